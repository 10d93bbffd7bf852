/**
 * The index of anchors with its windows chosen in WebAssembly (kernels/match/anchors.ts), and its table in memory that
 * threads share: one fills it, all may look into it then. It knows what the plain reference of anchors.ts knows, which
 * chooses the windows where there is no WebAssembly.
 */
import { type AnchorIndex, anchorSizes, GEAR, GEAR_WINDOW_BYTES, MAX_SAME, slotOf } from './anchors.ts';
import { WASM } from './anchors-wasm.ts';
import { startKernel } from './wasm.ts';

/** The table of an index, to be handed to other threads. */
export interface AnchorTable {
  readonly sampleBits: number;
  readonly hashes: Int32Array;
  /** Addresses in units of 16 bytes, from 1 on; 0 where the slot is empty. */
  readonly units: Uint32Array;
}

export interface SharedAnchorIndex extends AnchorIndex {
  readonly table: AnchorTable;
}

/** As `createAnchorIndex`. */
export function openAnchorIndex(expectedBytes: number, maxAnchors: number): SharedAnchorIndex {
  const { sampleBits, slots } = anchorSizes(expectedBytes, maxAnchors);
  const memory = () => new SharedArrayBuffer(4 * slots);
  return openAnchorTable({
    sampleBits,
    hashes: new Int32Array(memory()),
    units: new Uint32Array(memory()),
  });
}

/** An index over a table that is there. Only one thread may add to it, and none may look into it meanwhile. */
export function openAnchorTable(
  table: AnchorTable,
  scanner = startScanner() ?? plainScanner(),
): SharedAnchorIndex {
  const { sampleBits, hashes, units } = table;
  const slots = hashes.length;
  let count = 0;
  let nextAddress = -1;
  const insert = (hash: number, address: number) => {
    if (count * 4 > slots * 3) return;
    let same = 0;
    let slot = slotOf(hash, slots);
    for (; units[slot] !== 0; slot = (slot + 1) & (slots - 1)) {
      if (hashes[slot] === hash && ++same === MAX_SAME) return;
    }
    hashes[slot] = hash;
    units[slot] = Math.floor(address / 16) + 1;
    count++;
  };
  return {
    table,
    add(bytes, address) {
      if (address !== nextAddress) scanner.restart();
      nextAddress = address + bytes.length;
      scanner.scan(bytes, sampleBits, (last, hash) => insert(hash, address + last + 1 - GEAR_WINDOW_BYTES));
    },
    find(bytes, found) {
      scanner.restart();
      nextAddress = -1;
      scanner.scan(bytes, sampleBits, (_, hash) => {
        let slot = slotOf(hash, slots);
        if (units[slot] === 0) return;
        const addresses: number[] = [];
        for (; units[slot] !== 0; slot = (slot + 1) & (slots - 1))
          if (hashes[slot] === hash) addresses.push((units[slot]! - 1) * 16);
        if (addresses.length > 0) found(addresses);
      });
    },
    close() {},
  };
}

/** Goes through bytes, which go on from those before unless it is restarted. */
export interface AnchorScanner {
  restart(): void;
  /** Tells of each window whose hash has its `sampleBits` highest bits zero: where its last byte stands, and the hash. */
  scan(bytes: Uint8Array, sampleBits: number, chosen: (last: number, hash: number) => void): void;
}

interface Exports {
  gearAt(): number;
  bytesAt(): number;
  chosenAt(): number;
  restart(): void;
  scan(length: number, sampleBits: number): number;
}

/** The kernel looks at so many bytes at once. */
const ROOM_BYTES = 1 << 14;

/** Undefined where WebAssembly is switched off. */
export function startScanner(): AnchorScanner | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  const { buffer } = kernel.memory;
  new Int32Array(buffer, kernel.gearAt(), GEAR.length).set(GEAR);
  const room = new Uint8Array(buffer, kernel.bytesAt(), ROOM_BYTES);
  const pairs = new Int32Array(buffer, kernel.chosenAt(), 2 * ROOM_BYTES);
  return {
    restart: () => kernel.restart(),
    scan(bytes, sampleBits, chosen) {
      for (let start = 0; start < bytes.length; start += ROOM_BYTES) {
        const piece = bytes.subarray(start, start + ROOM_BYTES);
        room.set(piece);
        const count = kernel.scan(piece.length, sampleBits);
        for (let at = 0; at < 2 * count; at += 2) chosen(start + pairs[at]!, pairs[at + 1]!);
      }
    },
  };
}

function plainScanner(): AnchorScanner {
  let hash = 0;
  let run = 0;
  return {
    restart() {
      hash = 0;
      run = 0;
    },
    scan(bytes, sampleBits, chosen) {
      for (let i = 0; i < bytes.length; i++) {
        hash = ((hash << 1) + GEAR[bytes[i]!]!) | 0;
        run++;
        if (hash >>> (32 - sampleBits) === 0 && run >= GEAR_WINDOW_BYTES) chosen(i, hash);
      }
    },
  };
}
