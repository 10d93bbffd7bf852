/**
 * Areas in proportion, as square as they get (Bruls, Huizing, van Wijk: "Squarified Treemaps", 2000): rows are filled
 * along the shorter side as long as that makes their worst rectangle better.
 */

/**
 * @typedef {object} Rectangle
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 */

/**
 * @param {readonly number[]} values descending, all above zero
 * @param {Rectangle} into
 * @returns {Rectangle[]} one per value
 */
export function squarify(values, into) {
  const total = values.reduce((sum, value) => sum + value, 0);
  const scale = total === 0 ? 0 : (into.width * into.height) / total;
  /** @type {Rectangle[]} */
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

/** The worst ratio of sides in a row. @param {number} area @param {number} largest @param {number} smallest @param {number} side */
function worst(area, largest, smallest, side) {
  const square = side * side;
  return Math.max((square * largest) / (area * area), (area * area) / (square * smallest));
}

/**
 * @param {readonly number[]} row @param {number} scale @param {number} area
 * @param {Rectangle} left @param {Rectangle[]} placed
 */
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
