/**
 * A file with addresses taken apart: an ELF file, with what the linkers of some languages add to it, or an archive of
 * Java classes.
 */
import { parseCds } from '../cds/layout.ts';
import { findGoLayout } from './go-layout.ts';
import { type Area, type ElfImage, parseElfImage } from './image.ts';
import type { OldBytes } from './old-bytes.ts';

/** Takes the file apart; undefined when it is none known here. */
export function parseElf(bytes: OldBytes): ElfImage | undefined {
  const image = parseElfImage(bytes) ?? parseCds(bytes);
  const go = image && findGoLayout(bytes, image);
  if (image === undefined || go === undefined) return image;
  return { ...image, go, areas: cutOut(image.areas, go.buckets.start, go.buckets.end) };
}

/** The areas with `start` to `end` as one of its own, if one area of read-only data has all of it. */
function cutOut(areas: readonly Area[], start: number, end: number): readonly Area[] {
  return areas.flatMap((area): readonly Area[] => {
    if (area.kind !== 'readonly' || start < area.start || end > area.end || start >= end) return [area];
    const parts: Area[] = [
      { ...area, end: start },
      { ...area, start, end, kind: 'goBuckets' },
      { ...area, start: end },
    ];
    return parts.filter((part) => part.start < part.end);
  });
}
