/**
 * The treemap of one folder: a button for each thing in it, and within it a picture of what that holds. Buttons zoom in
 * or choose a file; the picture is for eyes only, so that no reader has to walk hundreds of rectangles.
 */
import { countOf, formatBytes, formatShare } from './format.js';
import { squarify } from './squarify.js';

/** @typedef {import('./folders.js').Folder} Folder */

/** The most tiles of a folder; what is smaller becomes one. */
const MOST_TILES = 60;
const MOST_INNER = 24;
/** Pixels: tiles smaller than this have no name in them. */
const LEAST_WIDTH = 46;
const LEAST_HEIGHT = 20;
/** The same of what is drawn in tiles. */
const LEAST_PART_WIDTH = 60;
const LEAST_PART_HEIGHT = 18;
/** Folders in tiles that are smaller show not what they hold. */
const LEAST_NESTED = 72;
/** As page.css has it. */
const PART_NAME_HEIGHT = 17;

/**
 * @param {HTMLElement} element emptied and filled
 * @param {Folder} folder
 * @param {readonly string[]} kindNames
 * @param {(chosen: Folder) => void} onChoose
 */
export function drawTreemap(element, folder, kindNames, onChoose) {
  const { clientWidth: width, clientHeight: height } = element;
  const { shown, rest } = largest(folder, MOST_TILES);
  const values = shown.map((each) => each.bytes);
  if (rest.bytes > 0) values.push(rest.bytes);
  const places = squarify(values, { x: 0, y: 0, width, height });
  /** @type {HTMLElement[]} */
  const tiles = shown.map((each, at) => drawTile(each, places[at], folder.bytes, kindNames, onChoose));
  if (rest.bytes > 0) tiles.push(drawRest(rest, places[shown.length]));
  element.replaceChildren(...tiles);
}

/** The largest things in a folder that have bytes, in a total order. @param {Folder} folder @param {number} most */
function largest(folder, most) {
  const all = [...(folder.inside?.values() ?? [])].filter((each) => each.bytes > 0);
  all.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  const shown = all.length > most ? all.slice(0, most - 1) : all;
  const hidden = all.slice(shown.length);
  return { shown, rest: { count: hidden.length, bytes: hidden.reduce((sum, each) => sum + each.bytes, 0) } };
}

/**
 * @param {Folder} each @param {import('./squarify.js').Rectangle} place @param {number} whole
 * @param {readonly string[]} kindNames @param {(chosen: Folder) => void} onChoose
 */
function drawTile(each, place, whole, kindNames, onChoose) {
  const tile = document.createElement('button');
  tile.type = 'button';
  const isFolder = each.inside !== undefined;
  const kind = mainKind(each);
  tile.className = `tile kind-${kind}`;
  put(tile, place);
  const size = `${formatBytes(each.bytes)}, ${formatShare(each.bytes, whole)}`;
  const what = isFolder ? `folder, ${countOf(each.count, 'file', 'files')}` : kindNames[kind];
  const label = `${each.name}: ${size}, ${what}`;
  tile.setAttribute('aria-label', label);
  tile.title = label;
  if (place.width >= LEAST_WIDTH && place.height >= LEAST_HEIGHT) {
    const name = document.createElement('span');
    name.className = 'tile-name';
    name.textContent = isFolder ? `${each.name}/` : each.name;
    tile.append(name);
    if (isFolder && place.height >= 60 && place.width >= 60) tile.append(drawInner(each, place));
  }
  tile.addEventListener('click', () => onChoose(each));
  return tile;
}

/** @param {Folder} folder @param {import('./squarify.js').Rectangle} place */
function drawInner(folder, place) {
  const inner = document.createElement('span');
  inner.className = 'tile-inner';
  inner.setAttribute('aria-hidden', 'true');
  inner.append(...drawParts(folder, { x: 0, y: 0, width: place.width - 8, height: place.height - 28 }));
  return inner;
}

/**
 * What a folder holds, and what its folders hold as long as there is room to tell that apart: every part takes a share of
 * the room, so there are never more than some hundreds.
 * @param {Folder} folder @param {import('./squarify.js').Rectangle} room @returns {HTMLElement[]}
 */
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
    others.textContent = `${rest.count.toLocaleString('en')} smaller`;
  return [...parts, others];
}

/** @param {Folder} each @param {import('./squarify.js').Rectangle} place */
function drawPart(each, place) {
  const part = document.createElement('span');
  part.className = `part kind-${mainKind(each)}`;
  put(part, place);
  const { width, height } = place;
  if (width < LEAST_PART_WIDTH || height < LEAST_PART_HEIGHT) return part;
  const { name, end } = throughOnlyChildren(each);
  part.textContent = end.inside === undefined ? name : `${name}/`;
  if (end.inside === undefined || width < LEAST_NESTED || height < LEAST_NESTED) return part;
  const nested = document.createElement('span');
  nested.className = 'part-inner';
  nested.append(...drawParts(end, { x: 0, y: 0, width: width - 8, height: height - PART_NAME_HEIGHT - 5 }));
  part.append(nested);
  return part;
}

/** A folder that holds but one folder is drawn as that one. @param {Folder} folder */
function throughOnlyChildren(folder) {
  let { name } = folder;
  let end = folder;
  for (;;) {
    const [only, other] = end.inside?.values() ?? [];
    if (only?.inside === undefined || other !== undefined) return { name, end };
    name += `/${only.name}`;
    end = only;
  }
}

/** @param {{count: number, bytes: number}} rest @param {import('./squarify.js').Rectangle} place */
function drawRest(rest, place) {
  const tile = document.createElement('div');
  tile.className = 'tile rest';
  put(tile, place);
  const label = `${rest.count.toLocaleString('en')} smaller: ${formatBytes(rest.bytes)}`;
  tile.title = label;
  if (place.width >= 80 && place.height >= LEAST_HEIGHT) tile.textContent = label;
  return tile;
}

/** The kind that most of the bytes are. @param {Folder} folder */
function mainKind(folder) {
  return folder.kinds.indexOf(Math.max(...folder.kinds));
}

/** @param {HTMLElement} element @param {import('./squarify.js').Rectangle} place */
function put(element, place) {
  element.style.left = `${place.x}px`;
  element.style.top = `${place.y}px`;
  element.style.width = `${Math.max(0, place.width)}px`;
  element.style.height = `${Math.max(0, place.height)}px`;
}
