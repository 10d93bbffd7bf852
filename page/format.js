/** Numbers for people, as the command line prints them: units of a thousand, three digits. */

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return `${Math.round(value)} B`;
  return `${value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)} ${units[unit]}`;
}

/** @param {number} part @param {number} whole */
export function formatShare(part, whole) {
  if (whole === 0) return '0 %';
  const percent = (part / whole) * 100;
  return `${percent >= 10 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

/** @param {number} count @param {string} one @param {string} many */
export function countOf(count, one, many) {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
