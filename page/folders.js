/** Folders with the bytes of all that is beneath them, from a flat list of paths. */

/**
 * @typedef {object} Folder
 * @property {string} name
 * @property {string} path '' for the root, else with a slash in front and none behind
 * @property {number} bytes
 * @property {number} count files beneath
 * @property {number} file index of the file, -1 for folders
 * @property {number[]} kinds bytes of each kind
 * @property {Map<string, Folder> | undefined} inside
 */

/**
 * @param {readonly string[]} paths
 * @param {readonly number[]} bytes
 * @param {readonly number[]} kinds
 * @param {number} kindCount
 * @returns {Folder}
 */
export function buildFolders(paths, bytes, kinds, kindCount) {
  const root = makeFolder('', '', kindCount);
  for (let file = 0; file < paths.length; file++) {
    const names = paths[file].split('/').filter((name) => name !== '');
    let at = root;
    add(at, bytes[file], kinds[file]);
    for (let depth = 0; depth < names.length; depth++) {
      const name = names[depth];
      at.inside ??= new Map();
      let next = at.inside.get(name);
      if (next === undefined) {
        next = makeFolder(name, `${at.path}/${name}`, kindCount);
        at.inside.set(name, next);
      }
      add(next, bytes[file], kinds[file]);
      at = next;
    }
    at.file = file;
  }
  return root;
}

/** @param {string} name @param {string} path @param {number} kindCount @returns {Folder} */
function makeFolder(name, path, kindCount) {
  return { name, path, bytes: 0, count: 0, file: -1, kinds: new Array(kindCount).fill(0), inside: undefined };
}

/** @param {Folder} folder @param {number} bytes @param {number} kind */
function add(folder, bytes, kind) {
  folder.bytes += bytes;
  folder.count++;
  folder.kinds[kind] += bytes;
}

/** @param {Folder} root @param {string} path @returns {Folder | undefined} */
export function findFolder(root, path) {
  /** @type {Folder | undefined} */
  let at = root;
  for (const name of path.split('/')) if (name !== '') at = at?.inside?.get(name);
  return at;
}
