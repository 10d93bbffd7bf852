/**
 * Where the ops of a program read, until it is known which base layers the whole patch reads: only then do places in all
 * layers of the base become addresses of the patch.
 */
import { zigzag } from '../bytes/varint.ts';
import type { Spool } from './spool.ts';

/** Where ops read, as pairs; plain numbers in typed arrays because there may be a million. */
export interface SourceLog {
  readonly count: number;
  readonly addresses: Float64Array;
  readonly lengths: Float64Array;
  /** Bytes of the layer that are there when the op begins. */
  readonly places: Float64Array;
}

export interface GrowingLog {
  push(address: number, length: number, place: number): void;
  log(): SourceLog;
}

export function growingLog(): GrowingLog {
  let columns = [new Float64Array(1024), new Float64Array(1024), new Float64Array(1024)] as const;
  let count = 0;
  return {
    push(address, length, place) {
      if (count === columns[0].length) {
        const grow = (old: Float64Array) => {
          const grown = new Float64Array(count * 2);
          grown.set(old);
          return grown;
        };
        columns = [grow(columns[0]), grow(columns[1]), grow(columns[2])];
      }
      columns[0][count] = address;
      columns[1][count] = length;
      columns[2][count] = place;
      count++;
    },
    log: () => ({ count, addresses: columns[0], lengths: columns[1], places: columns[2] }),
  };
}

/** Writes the seeks of a program: each source as its distance from where the last one ended, in the patch's addresses. */
export function writeSeeks(
  seeks: Spool,
  sources: SourceLog,
  toPatchAddress: (address: number) => number,
): void {
  let expected = 0;
  for (let i = 0; i < sources.count; i++) {
    const address = toPatchAddress(sources.addresses[i]!);
    seeks.appendNumber(zigzag(address - expected), sources.places[i]!);
    expected = address + sources.lengths[i]!;
  }
}
