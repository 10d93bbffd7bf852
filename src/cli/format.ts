/** Numbers and texts for people. Pure: no terminal, no clock. Sizes are decimal, as docker shows them. */

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `999 B`, `1.02 kB`, `34.8 MB`, `187 MB`: three digits, units of a thousand. */
export function formatBytes(sizeBytes: number): string {
  if (sizeBytes < 1000) return `${Math.round(sizeBytes)} B`;
  let value = sizeBytes / 1000;
  let unit = 0;
  // Not 1000: what would be rounded up to it belongs to the next unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${threeDigits(value)} ${UNITS[unit]}`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}

/** `256MB`, `1 GB`, `200000`: units of a thousand, as `formatBytes` has them. NaN for anything else. */
export function parseBytes(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kMGTP]?B?)$/i.exec(text.trim()) ?? [];
  if (number === undefined) return Number.NaN;
  const power = 1 + UNITS.findIndex((each) => each[0]!.toLowerCase() === unit[0]?.toLowerCase());
  return Number(number) * 1000 ** power;
}

/** `5.1 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** `8 s`, `1 min 05 s`, `2 h 03 min`, `3 d 04 h`; fractions are rounded up, so that time left is never `0 s`. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${twoDigits(hours % 24)} h`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/**
 * Text that a terminal shows and doesn't obey: names come from images and patches, and may hold escape sequences.
 * Line ends and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (character) =>
    character === '\n' || character === '\t' ? character : '\ufffd',
  );
}
