/** Starts the page: reads its data, draws the treemap of the folder that is chosen, and fills the table. */
import { buildFolders, findFolder } from './folders.js';
import { countOf, formatBytes } from './format.js';
import { openTable } from './table.js';
import { drawTreemap } from './treemap.js';

/**
 * @typedef {object} Files
 * @property {string[]} paths
 * @property {number[]} bytes
 * @property {number[]} sizes
 * @property {number[]} kinds
 * @property {string[]} kindNames
 * @property {Record<number, string>} details
 */

/** @param {string} id */
function get(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

function start() {
  /** @type {Files} */
  const files = JSON.parse(get('data').textContent ?? '');
  const root = buildFolders(files.paths, files.bytes, files.kinds, files.kindNames.length);
  const table = openTable(get('files'), files);
  const map = get('map');
  const way = get('way');
  let folder = root;

  /** @param {string} path */
  function choose(path) {
    const chosen = findFolder(root, path) ?? root;
    table.chooseFolder(chosen.path);
    // A file can't be zoomed into: the table shows it.
    if (chosen.inside === undefined && chosen !== root) return;
    folder = chosen;
    draw();
  }

  function draw() {
    drawTreemap(map, folder, files.kindNames, ({ path }) => {
      choose(path);
      if (folder.path === path)
        /** @type {HTMLElement | null} */ (way.querySelector('[aria-current]'))?.focus();
    });
    const names = folder.path.split('/').filter((name) => name !== '');
    way.replaceChildren(
      ...['', ...names].map((name, depth) => {
        const item = document.createElement('li');
        const step = document.createElement('button');
        step.type = 'button';
        step.textContent = depth === 0 ? 'all' : name;
        if (depth === names.length) step.setAttribute('aria-current', 'true');
        const path = depth === 0 ? '' : `/${names.slice(0, depth).join('/')}`;
        step.addEventListener('click', () => {
          choose(path);
          /** @type {HTMLElement | null} */ (way.querySelector('[aria-current]'))?.focus();
        });
        item.append(step);
        return item;
      }),
    );
    get('here').textContent = `${formatBytes(folder.bytes)} in ${countOf(folder.count, 'file', 'files')}`;
  }

  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || folder === root || event.target === get('search')) return;
    choose(folder.path.slice(0, folder.path.lastIndexOf('/')));
    /** @type {HTMLElement | null} */ (way.querySelector('[aria-current]'))?.focus();
  });
  new ResizeObserver(() => draw()).observe(map);
  draw();
}

start();
