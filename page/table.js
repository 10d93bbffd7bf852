/** The table of files: found by words, sorted by a column, some hundred rows at a time. */
import { countOf, formatBytes } from './format.js';

/** @typedef {import('./main.js').Files} Files */

const PAGE_ROWS = 100;

/** What each column sorts by; texts by their code units, so that the order is total and quick. */
const SORTS = {
  /** @param {Files} files */
  path: (files) => compareBy((file) => files.paths[file]),
  /** @param {Files} files */
  bytes: (files) => compareBy((file) => files.bytes[file]),
  /** @param {Files} files */
  size: (files) => compareBy((file) => files.sizes[file]),
  /** @param {Files} files */
  how: (files) => compareBy((file) => files.kindNames[files.kinds[file]]),
};

/** @param {(file: number) => string | number} key @returns {(a: number, b: number) => number} */
function compareBy(key) {
  return (a, b) => {
    const [x, y] = [key(a), key(b)];
    return x < y ? -1 : x > y ? 1 : a - b;
  };
}

/**
 * @param {HTMLElement} section
 * @param {Files} files
 */
export function openTable(section, files) {
  const body = /** @type {HTMLElement} */ (section.querySelector('tbody'));
  const more = /** @type {HTMLButtonElement} */ (section.querySelector('#more'));
  const status = /** @type {HTMLElement} */ (section.querySelector('#found'));
  const search = /** @type {HTMLInputElement} */ (section.querySelector('#search'));
  const headings = /** @type {HTMLElement[]} */ ([...section.querySelectorAll('th[data-sort]')]);
  const lower = files.paths.map((path) => path.toLowerCase());
  /** @type {number[]} */
  const order = files.paths.map((_, file) => file);
  /** @type {number[]} */
  let found = [];
  let shown = 0;
  let folder = '';

  search.addEventListener('input', () => requestAnimationFrame(find));
  more.addEventListener('click', () => {
    const first = shown;
    addRows();
    /** @type {HTMLElement | undefined} */ (body.children[first])?.focus();
  });
  for (const heading of headings) {
    heading.querySelector('button')?.addEventListener('click', () => {
      const isDescending = heading.getAttribute('aria-sort') === 'descending';
      const isText = heading.dataset.sort === 'path' || heading.dataset.sort === 'how';
      const next = heading.hasAttribute('aria-sort') ? !isDescending : !isText;
      sort(heading, next);
      find();
    });
  }

  /** @param {HTMLElement} heading @param {boolean} descending */
  function sort(heading, descending) {
    for (const each of headings) each.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    const compare = SORTS[/** @type {keyof typeof SORTS} */ (heading.dataset.sort)](files);
    order.sort(descending ? (a, b) => compare(b, a) : compare);
  }

  function find() {
    const words = search.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    found = order.filter(
      (file) =>
        (folder === '' || files.paths[file] === folder || files.paths[file].startsWith(`${folder}/`)) &&
        words.every((word) => lower[file].includes(word) || files.kindNames[files.kinds[file]] === word),
    );
    shown = 0;
    body.replaceChildren();
    addRows();
    const bytes = found.reduce((sum, file) => sum + files.bytes[file], 0);
    status.textContent = `${countOf(found.length, 'file', 'files')}${folder === '' ? '' : ` in ${folder}`}, ${formatBytes(bytes)}`;
  }

  function addRows() {
    const rows = found.slice(shown, shown + PAGE_ROWS).map((file) => makeRow(files, file));
    body.append(...rows);
    shown += rows.length;
    more.hidden = shown >= found.length;
    more.textContent = `Show more (${(found.length - shown).toLocaleString('en')} left)`;
  }

  sort(/** @type {HTMLElement} */ (headings.find((each) => each.dataset.sort === 'bytes')), true);
  find();
  return {
    /** Shows only what is in a folder. @param {string} path */
    chooseFolder(path) {
      folder = path;
      find();
    },
  };
}

/** @param {Files} files @param {number} file */
function makeRow(files, file) {
  const row = document.createElement('tr');
  row.tabIndex = -1;
  const path = document.createElement('th');
  path.scope = 'row';
  path.textContent = files.paths[file];
  const kind = files.kinds[file];
  const detail = files.details[file] ?? '';
  const how = makeCell(detail === '' ? files.kindNames[kind] : `${files.kindNames[kind]}: ${detail}`, '');
  const mark = document.createElement('span');
  mark.className = `mark kind-${kind}`;
  how.prepend(mark);
  row.append(
    path,
    makeCell(formatBytes(files.bytes[file]), 'number'),
    makeCell(formatBytes(files.sizes[file]), 'number'),
    how,
  );
  return row;
}

/** @param {string} text @param {string} className */
function makeCell(text, className) {
  const cell = document.createElement('td');
  cell.className = className;
  cell.textContent = text;
  return cell;
}
