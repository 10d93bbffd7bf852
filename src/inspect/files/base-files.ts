/**
 * Which file of the base stands at an address: the tars of its layers, one after the other, and behind them the views of
 * the layer that is being made, each of which is of the file that it was opened from.
 */
import type { RandomAccess } from '../../bytes/access.ts';
import type { View } from '../../nested/views.ts';
import { walkTar } from '../../tar/walk.ts';
import { shownPath } from './shown-path.ts';

/** The content of a file of the base, or a view of a part of it. */
export interface BaseFile {
  /** As `shownPath` gives it. */
  readonly path: string;
  readonly address: number;
  /** The first address behind it. */
  readonly end: number;
  readonly sizeBytes: number;
}

export interface BaseFiles {
  /** What is at `address`; undefined between files. */
  find(address: number): BaseFile | undefined;
  /** The next layer begins: the views of the one before are gone. */
  startLayer(): void;
  addView(view: View): void;
}

/** `tars` are the layers that ops address, in the order of their addresses. */
export function listBaseFiles(tars: readonly RandomAccess[]): BaseFiles {
  const files: BaseFile[] = [];
  let spaceBytes = 0;
  for (const tar of tars) {
    for (const segment of walkTar(tar)) {
      if (segment.kind !== 'content') continue;
      const { offset, sizeBytes, entry } = segment;
      const address = spaceBytes + offset;
      files.push({ path: shownPath(entry.path), address, end: address + sizeBytes, sizeBytes });
    }
    spaceBytes += tar.sizeBytes;
  }
  const views: BaseFile[] = [];
  const find = (address: number) => findAt(address < spaceBytes ? files : views, address);
  return {
    find,
    startLayer() {
      views.length = 0;
    },
    addView({ viewAddress, sizeBytes, address }) {
      const path = find(address)?.path;
      if (path === undefined) return;
      views.push({ path, address: viewAddress, end: viewAddress + sizeBytes, sizeBytes });
    },
  };
}

/** `sorted` by address, none over another. */
function findAt(sorted: readonly BaseFile[], address: number): BaseFile | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.address <= address) low = middle + 1;
    else high = middle;
  }
  const found = sorted[low - 1];
  return found !== undefined && address < found.end ? found : undefined;
}
