/** Stretches of base addresses in memory that threads share: an image may have 100,000 files. */

/** A stretch of base addresses. */
export interface Part {
  readonly address: number;
  readonly sizeBytes: number;
}

/** Parts by ascending address. */
export interface PartTable {
  readonly addresses: Float64Array;
  readonly sizes: Float64Array;
}

export const NO_PARTS = tableOf([]);

export function tableOf(parts: readonly Part[]): PartTable {
  const addresses = new Float64Array(new SharedArrayBuffer(8 * parts.length));
  const sizes = new Float64Array(new SharedArrayBuffer(8 * parts.length));
  for (const [i, { address, sizeBytes }] of parts.entries()) {
    addresses[i] = address;
    sizes[i] = sizeBytes;
  }
  return { addresses, sizes };
}

export function partOf({ addresses, sizes }: PartTable, index: number): Part {
  return { address: addresses[index]!, sizeBytes: sizes[index]! };
}

/** The last part that begins at `address` or before; -1 when there is none. */
export function indexAt({ addresses }: PartTable, address: number): number {
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (addresses[middle]! <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
