/** Made by scripts/build-page.mjs from page/: the script and the style of a report's page. */
export const PAGE_SCRIPT = `(() => {
'use strict';
function formatBytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return \`\${Math.round(value)} B\`;
  return \`\${value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)} \${units[unit]}\`;
}
function formatShare(part, whole) {
  if (whole === 0) return '0 %';
  const percent = (part / whole) * 100;
  return \`\${percent >= 10 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)} %\`;
}
function countOf(count, one, many) {
  return \`\${count.toLocaleString('en')} \${count === 1 ? one : many}\`;
}

function buildFolders(paths, bytes, kinds, kindCount) {
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
        next = makeFolder(name, \`\${at.path}/\${name}\`, kindCount);
        at.inside.set(name, next);
      }
      add(next, bytes[file], kinds[file]);
      at = next;
    }
    at.file = file;
  }
  return root;
}
function makeFolder(name, path, kindCount) {
  return { name, path, bytes: 0, count: 0, file: -1, kinds: new Array(kindCount).fill(0), inside: undefined };
}
function add(folder, bytes, kind) {
  folder.bytes += bytes;
  folder.count++;
  folder.kinds[kind] += bytes;
}
function findFolder(root, path) {
  let at = root;
  for (const name of path.split('/')) if (name !== '') at = at?.inside?.get(name);
  return at;
}

function squarify(values, into) {
  const total = values.reduce((sum, value) => sum + value, 0);
  const scale = total === 0 ? 0 : (into.width * into.height) / total;
  const placed = [];
  let left = { ...into };
  for (let start = 0; start < values.length; ) {
    const side = Math.min(left.width, left.height);
    let end = start + 1;
    let area = values[start] * scale;
    while (end < values.length) {
      const more = area + values[end] * scale;
      const first = values[start] * scale;
      if (worst(more, first, values[end] * scale, side) > worst(area, first, values[end - 1] * scale, side))
        break;
      area = more;
      end++;
    }
    left = placeRow(values.slice(start, end), scale, area, left, placed);
    start = end;
  }
  return placed;
}
function worst(area, largest, smallest, side) {
  const square = side * side;
  return Math.max((square * largest) / (area * area), (area * area) / (square * smallest));
}
function placeRow(row, scale, area, left, placed) {
  const isWide = left.width >= left.height;
  const depth = isWide ? area / left.height : area / left.width;
  let { x, y } = left;
  for (const value of row) {
    const length = depth === 0 ? 0 : (value * scale) / depth;
    placed.push({ x, y, width: isWide ? depth : length, height: isWide ? length : depth });
    if (isWide) y += length;
    else x += length;
  }
  return isWide
    ? { ...left, x: left.x + depth, width: left.width - depth }
    : { ...left, y: left.y + depth, height: left.height - depth };
}

const MOST_TILES = 60;
const MOST_INNER = 24;
const LEAST_WIDTH = 46;
const LEAST_HEIGHT = 20;
const LEAST_PART_WIDTH = 60;
const LEAST_PART_HEIGHT = 18;
const LEAST_NESTED = 72;
const PART_NAME_HEIGHT = 17;
function drawTreemap(element, folder, kindNames, onChoose) {
  const { clientWidth: width, clientHeight: height } = element;
  const { shown, rest } = largest(folder, MOST_TILES);
  const values = shown.map((each) => each.bytes);
  if (rest.bytes > 0) values.push(rest.bytes);
  const places = squarify(values, { x: 0, y: 0, width, height });
  const tiles = shown.map((each, at) => drawTile(each, places[at], folder.bytes, kindNames, onChoose));
  if (rest.bytes > 0) tiles.push(drawRest(rest, places[shown.length]));
  element.replaceChildren(...tiles);
}
function largest(folder, most) {
  const all = [...(folder.inside?.values() ?? [])].filter((each) => each.bytes > 0);
  all.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  const shown = all.length > most ? all.slice(0, most - 1) : all;
  const hidden = all.slice(shown.length);
  return { shown, rest: { count: hidden.length, bytes: hidden.reduce((sum, each) => sum + each.bytes, 0) } };
}
function drawTile(each, place, whole, kindNames, onChoose) {
  const tile = document.createElement('button');
  tile.type = 'button';
  const isFolder = each.inside !== undefined;
  const kind = mainKind(each);
  tile.className = \`tile kind-\${kind}\`;
  put(tile, place);
  const size = \`\${formatBytes(each.bytes)}, \${formatShare(each.bytes, whole)}\`;
  const what = isFolder ? \`folder, \${countOf(each.count, 'file', 'files')}\` : kindNames[kind];
  const label = \`\${each.name}: \${size}, \${what}\`;
  tile.setAttribute('aria-label', label);
  tile.title = label;
  if (place.width >= LEAST_WIDTH && place.height >= LEAST_HEIGHT) {
    const name = document.createElement('span');
    name.className = 'tile-name';
    name.textContent = isFolder ? \`\${each.name}/\` : each.name;
    tile.append(name);
    if (isFolder && place.height >= 60 && place.width >= 60) tile.append(drawInner(each, place));
  }
  tile.addEventListener('click', () => onChoose(each));
  return tile;
}
function drawInner(folder, place) {
  const inner = document.createElement('span');
  inner.className = 'tile-inner';
  inner.setAttribute('aria-hidden', 'true');
  inner.append(...drawParts(folder, { x: 0, y: 0, width: place.width - 8, height: place.height - 28 }));
  return inner;
}
function drawParts(folder, room) {
  const { shown, rest } = largest(folder, MOST_INNER);
  const values = shown.map((each) => each.bytes);
  if (rest.bytes > 0) values.push(rest.bytes);
  const places = squarify(values, room);
  const parts = shown.map((each, at) => drawPart(each, places[at]));
  if (rest.bytes === 0) return parts;
  const others = document.createElement('span');
  others.className = 'part rest';
  const place = places[shown.length];
  put(others, place);
  if (place.width >= 80 && place.height >= LEAST_PART_HEIGHT)
    others.textContent = \`\${rest.count.toLocaleString('en')} smaller\`;
  return [...parts, others];
}
function drawPart(each, place) {
  const part = document.createElement('span');
  part.className = \`part kind-\${mainKind(each)}\`;
  put(part, place);
  const { width, height } = place;
  if (width < LEAST_PART_WIDTH || height < LEAST_PART_HEIGHT) return part;
  const { name, end } = throughOnlyChildren(each);
  part.textContent = end.inside === undefined ? name : \`\${name}/\`;
  if (end.inside === undefined || width < LEAST_NESTED || height < LEAST_NESTED) return part;
  const nested = document.createElement('span');
  nested.className = 'part-inner';
  nested.append(...drawParts(end, { x: 0, y: 0, width: width - 8, height: height - PART_NAME_HEIGHT - 5 }));
  part.append(nested);
  return part;
}
function throughOnlyChildren(folder) {
  let { name } = folder;
  let end = folder;
  for (;;) {
    const [only, other] = end.inside?.values() ?? [];
    if (only?.inside === undefined || other !== undefined) return { name, end };
    name += \`/\${only.name}\`;
    end = only;
  }
}
function drawRest(rest, place) {
  const tile = document.createElement('div');
  tile.className = 'tile rest';
  put(tile, place);
  const label = \`\${rest.count.toLocaleString('en')} smaller: \${formatBytes(rest.bytes)}\`;
  tile.title = label;
  if (place.width >= 80 && place.height >= LEAST_HEIGHT) tile.textContent = label;
  return tile;
}
function mainKind(folder) {
  return folder.kinds.indexOf(Math.max(...folder.kinds));
}
function put(element, place) {
  element.style.left = \`\${place.x}px\`;
  element.style.top = \`\${place.y}px\`;
  element.style.width = \`\${Math.max(0, place.width)}px\`;
  element.style.height = \`\${Math.max(0, place.height)}px\`;
}

const PAGE_ROWS = 100;
const SORTS = {
  path: (files) => compareBy((file) => files.paths[file]),
  bytes: (files) => compareBy((file) => files.bytes[file]),
  size: (files) => compareBy((file) => files.sizes[file]),
  how: (files) => compareBy((file) => files.kindNames[files.kinds[file]]),
};
function compareBy(key) {
  return (a, b) => {
    const [x, y] = [key(a), key(b)];
    return x < y ? -1 : x > y ? 1 : a - b;
  };
}
function openTable(section, files) {
  const body = (section.querySelector('tbody'));
  const more = (section.querySelector('#more'));
  const status = (section.querySelector('#found'));
  const search = (section.querySelector('#search'));
  const headings = ([...section.querySelectorAll('th[data-sort]')]);
  const lower = files.paths.map((path) => path.toLowerCase());
  const order = files.paths.map((_, file) => file);
  let found = [];
  let shown = 0;
  let folder = '';
  search.addEventListener('input', () => requestAnimationFrame(find));
  more.addEventListener('click', () => {
    const first = shown;
    addRows();
    (body.children[first])?.focus();
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
  function sort(heading, descending) {
    for (const each of headings) each.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    const compare = SORTS[(heading.dataset.sort)](files);
    order.sort(descending ? (a, b) => compare(b, a) : compare);
  }
  function find() {
    const words = search.value
      .toLowerCase()
      .split(/\\s+/)
      .filter((word) => word !== '');
    found = order.filter(
      (file) =>
        (folder === '' || files.paths[file] === folder || files.paths[file].startsWith(\`\${folder}/\`)) &&
        words.every((word) => lower[file].includes(word) || files.kindNames[files.kinds[file]] === word),
    );
    shown = 0;
    body.replaceChildren();
    addRows();
    const bytes = found.reduce((sum, file) => sum + files.bytes[file], 0);
    status.textContent = \`\${countOf(found.length, 'file', 'files')}\${folder === '' ? '' : \` in \${folder}\`}, \${formatBytes(bytes)}\`;
  }
  function addRows() {
    const rows = found.slice(shown, shown + PAGE_ROWS).map((file) => makeRow(files, file));
    body.append(...rows);
    shown += rows.length;
    more.hidden = shown >= found.length;
    more.textContent = \`Show more (\${(found.length - shown).toLocaleString('en')} left)\`;
  }
  sort((headings.find((each) => each.dataset.sort === 'bytes')), true);
  find();
  return {
    chooseFolder(path) {
      folder = path;
      find();
    },
  };
}
function makeRow(files, file) {
  const row = document.createElement('tr');
  row.tabIndex = -1;
  const path = document.createElement('th');
  path.scope = 'row';
  path.textContent = files.paths[file];
  const kind = files.kinds[file];
  const detail = files.details[file] ?? '';
  const how = makeCell(detail === '' ? files.kindNames[kind] : \`\${files.kindNames[kind]}: \${detail}\`, '');
  const mark = document.createElement('span');
  mark.className = \`mark kind-\${kind}\`;
  how.prepend(mark);
  row.append(
    path,
    makeCell(formatBytes(files.bytes[file]), 'number'),
    makeCell(formatBytes(files.sizes[file]), 'number'),
    how,
  );
  return row;
}
function makeCell(text, className) {
  const cell = document.createElement('td');
  cell.className = className;
  cell.textContent = text;
  return cell;
}

function get(id) {
  return (document.getElementById(id));
}
function start() {
  const files = JSON.parse(get('data').textContent ?? '');
  const root = buildFolders(files.paths, files.bytes, files.kinds, files.kindNames.length);
  const table = openTable(get('files'), files);
  const map = get('map');
  const way = get('way');
  let folder = root;
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
        (way.querySelector('[aria-current]'))?.focus();
    });
    const names = folder.path.split('/').filter((name) => name !== '');
    way.replaceChildren(
      ...['', ...names].map((name, depth) => {
        const item = document.createElement('li');
        const step = document.createElement('button');
        step.type = 'button';
        step.textContent = depth === 0 ? 'all' : name;
        if (depth === names.length) step.setAttribute('aria-current', 'true');
        const path = depth === 0 ? '' : \`/\${names.slice(0, depth).join('/')}\`;
        step.addEventListener('click', () => {
          choose(path);
          (way.querySelector('[aria-current]'))?.focus();
        });
        item.append(step);
        return item;
      }),
    );
    get('here').textContent = \`\${formatBytes(folder.bytes)} in \${countOf(folder.count, 'file', 'files')}\`;
  }
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || folder === root || event.target === get('search')) return;
    choose(folder.path.slice(0, folder.path.lastIndexOf('/')));
    (way.querySelector('[aria-current]'))?.focus();
  });
  new ResizeObserver(() => draw()).observe(map);
  draw();
}
start();
})();
`;

export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --back: #fff;
  --text: #1c1d22;
  --faint: #5a5d68;
  --line: #d5d7de;
  --panel: #f4f5f8;
  --focus: #0b57d0;
  --kind-0: #a9dfbc;
  --kind-1: #f4b8b4;
  --kind-2: #f7d98b;
  --kind-3: #d3d6e0;
  --kind-4: #b3d4f5;
  --kind-5: #dcc3f0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #15161a;
    --text: #eceef3;
    --faint: #a7abb8;
    --line: #3a3d47;
    --panel: #1f2127;
    --focus: #8ab4f8;
    --kind-0: #1e5c3a;
    --kind-1: #74302c;
    --kind-2: #5f4a10;
    --kind-3: #41444f;
    --kind-4: #1d4b75;
    --kind-5: #51336b;
  }
}
* {
  box-sizing: border-box;
}
body {
  margin: 0 auto;
  padding: 1rem;
  max-width: 100rem;
  background: var(--back);
  color: var(--text);
  font:
    1rem / 1.45 system-ui,
    sans-serif;
}
h1 {
  font-size: 1.4rem;
  margin: 0 0 0.5rem;
  overflow-wrap: anywhere;
}
h2 {
  font-size: 1.1rem;
  margin: 1.75rem 0 0.5rem;
}
button {
  font: inherit;
  color: inherit;
  cursor: pointer;
}
:focus-visible {
  outline: 3px solid var(--focus);
  outline-offset: -1px;
}
dl {
  display: grid;
  grid-template-columns: max-content 1fr;
  gap: 0.15rem 1rem;
  margin: 0;
}
dt {
  color: var(--faint);
}
dd {
  margin: 0;
  overflow-wrap: anywhere;
}
.faint {
  color: var(--faint);
}
.kind-0 {
  background: var(--kind-0);
  fill: var(--kind-0);
}
.kind-1 {
  background: var(--kind-1);
  fill: var(--kind-1);
}
.kind-2 {
  background: var(--kind-2);
  fill: var(--kind-2);
}
.kind-3 {
  background: var(--kind-3);
  fill: var(--kind-3);
}
.kind-4 {
  background: var(--kind-4);
  fill: var(--kind-4);
}
.kind-5 {
  background: var(--kind-5);
  fill: var(--kind-5);
}
.mark {
  display: inline-block;
  width: 0.8em;
  height: 0.8em;
  margin-right: 0.45em;
  border: 1px solid var(--faint);
}
.legend {
  display: flex;
  flex-wrap: wrap;
  gap: 0.25rem 1.25rem;
  list-style: none;
  margin: 0.5rem 0;
  padding: 0;
}
.bars {
  list-style: none;
  margin: 0;
  padding: 0;
}
.bars li {
  margin: 0.6rem 0;
}
.bar {
  display: block;
  height: 1.1rem;
  background: var(--panel);
  border: 1px solid var(--line);
  overflow: hidden;
}
.advice {
  margin: 0;
  padding-left: 1.3rem;
}
.advice li {
  margin: 0.6rem 0;
  overflow-wrap: anywhere;
}
thead button {
  background: none;
  border: 0;
  padding: 0.2rem 0;
  font-weight: 600;
}
#way {
  display: flex;
  flex-wrap: wrap;
  list-style: none;
  margin: 0 0 0.4rem;
  padding: 0;
}
#way li + li::before {
  content: "/";
  color: var(--faint);
  padding: 0 0.2rem;
}
#way button {
  background: none;
  border: 0;
  padding: 0.15rem 0.3rem;
  text-decoration: underline;
}
#way [aria-current] {
  text-decoration: none;
  font-weight: 600;
}
#map {
  position: relative;
  height: min(34rem, 70vh);
  background: var(--panel);
  overflow: hidden;
}
.tile {
  position: absolute;
  overflow: hidden;
  padding: 0;
  border: 1px solid var(--back);
  text-align: left;
  color: var(--text);
  font-size: 0.8rem;
  line-height: 1.25;
}
.tile:focus-visible {
  z-index: 1;
}
button.tile:hover {
  filter: brightness(1.08);
}
.tile.rest {
  background: var(--panel);
  padding: 0.2rem;
}
.tile-name {
  position: absolute;
  inset: 0 0 auto;
  padding: 0.15rem 0.3rem;
  white-space: nowrap;
  overflow: hidden;
  text-overflow: ellipsis;
}
.tile-inner {
  position: absolute;
  left: 3px;
  top: 23px;
  right: 3px;
  bottom: 3px;
  overflow: hidden;
}
.part {
  position: absolute;
  overflow: hidden;
  border: 1px solid var(--back);
  padding: 0 0.2rem;
  white-space: nowrap;
  text-overflow: ellipsis;
  font-size: 0.72rem;
}
.part.rest {
  background: var(--panel);
}
.part-inner {
  position: absolute;
  left: 2px;
  top: 17px;
  right: 2px;
  bottom: 2px;
  overflow: hidden;
}
.find {
  display: flex;
  flex-wrap: wrap;
  gap: 0.5rem 1rem;
  align-items: center;
  margin-bottom: 0.5rem;
}
#search {
  font: inherit;
  padding: 0.35rem 0.5rem;
  width: min(24rem, 100%);
  color: inherit;
  background: var(--back);
  border: 1px solid var(--faint);
}
table {
  border-collapse: collapse;
  width: 100%;
  font-size: 0.9rem;
}
th,
td {
  padding: 0.3rem 0.5rem;
  border-bottom: 1px solid var(--line);
  text-align: left;
  vertical-align: top;
}
tbody th {
  font-weight: 400;
  overflow-wrap: anywhere;
}
thead th {
  white-space: nowrap;
}
th[aria-sort="descending"] button::after {
  content: " ↓";
}
th[aria-sort="ascending"] button::after {
  content: " ↑";
}
.number {
  text-align: right;
  white-space: nowrap;
  font-variant-numeric: tabular-nums;
}
td {
  overflow-wrap: anywhere;
}
tbody td:last-child {
  min-width: 8rem;
}
#more {
  margin: 0.75rem 0;
  padding: 0.4rem 0.8rem;
  background: var(--panel);
  border: 1px solid var(--faint);
}
footer {
  margin-top: 2rem;
  color: var(--faint);
  font-size: 0.85rem;
}
@media (max-width: 40rem) {
  body {
    padding: 0.75rem;
  }
  dl {
    grid-template-columns: 1fr;
  }
  dd {
    margin-bottom: 0.4rem;
  }
  #map {
    height: 60vh;
  }
  thead tr {
    display: flex;
    flex-wrap: wrap;
    gap: 0 1rem;
  }
  tbody tr {
    display: grid;
    grid-template-columns: 1fr 1fr;
    border-bottom: 1px solid var(--line);
    padding: 0.3rem 0;
  }
  th,
  td {
    border: 0;
    padding: 0.1rem 0.2rem;
  }
  tbody th,
  tbody td:last-child {
    grid-column: 1 / -1;
  }
  .number {
    text-align: left;
  }
  tbody .number:nth-child(3)::before {
    content: "of ";
    color: var(--faint);
  }
}
`;
