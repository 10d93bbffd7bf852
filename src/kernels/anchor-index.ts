/**
 * The index of anchors in WebAssembly (kernels/match/anchors.ts); the plain reference of anchors.ts runs where there is no
 * WebAssembly, or not enough memory for it. Both know the same.
 */
import { type AnchorIndex, anchorSizes, createAnchorIndex, GEAR } from './anchors.ts';
import { WASM } from './anchors-wasm.ts';
import { startKernel } from './wasm.ts';

interface Exports {
  gearAt(): number;
  bytesAt(): number;
  foundAt(): number;
  configure(slots: number, sampleBits: number): number;
  restart(): void;
  add(length: number, address: number): void;
  find(length: number): number;
}

/** The kernel looks at so many bytes at once. */
const ROOM_BYTES = 1 << 14;

/** As `createAnchorIndex`. */
export function openAnchorIndex(expectedBytes: number, maxAnchors: number): AnchorIndex {
  return openKernelIndex(expectedBytes, maxAnchors) ?? createAnchorIndex(expectedBytes, maxAnchors);
}

/** Undefined where WebAssembly is switched off, or has not enough memory. */
export function openKernelIndex(expectedBytes: number, maxAnchors: number): AnchorIndex | undefined {
  let kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  const { sampleBits, slots } = anchorSizes(expectedBytes, maxAnchors);
  if (kernel.configure(slots, sampleBits) === 0) return undefined;
  const { buffer } = kernel.memory;
  new Int32Array(buffer, kernel.gearAt(), GEAR.length).set(GEAR);
  let room: Uint8Array | undefined = new Uint8Array(buffer, kernel.bytesAt(), ROOM_BYTES);
  let words: Uint32Array | undefined = new Uint32Array(buffer, kernel.foundAt(), 5 * ROOM_BYTES);
  let nextAddress = -1;

  const inSteps = (bytes: Uint8Array, look: (length: number, start: number) => void) => {
    for (let start = 0; start < bytes.length; start += ROOM_BYTES) {
      const piece = bytes.subarray(start, start + ROOM_BYTES);
      room!.set(piece);
      look(piece.length, start);
    }
  };
  return {
    add(bytes, address) {
      if (address !== nextAddress) kernel!.restart();
      nextAddress = address + bytes.length;
      inSteps(bytes, (length, start) => kernel!.add(length, address + start));
    },
    find(bytes, found) {
      kernel!.restart();
      nextAddress = -1;
      inSteps(bytes, (length) => {
        const end = kernel!.find(length);
        for (let at = 0; at < end; at += words![at]! + 1) {
          const addresses: number[] = [];
          for (let i = 1; i <= words![at]!; i++) addresses.push((words![at + i]! - 1) * 16);
          found(addresses);
        }
      });
    },
    close() {
      kernel = room = words = undefined;
    },
  };
}
