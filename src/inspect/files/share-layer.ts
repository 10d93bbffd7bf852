/** Divides the coded bytes of a layer's streams among its files. Guards that the parts add up to the streams. */
import type { PatchLayer } from '../../patch/header.ts';
import { divide } from './divide.ts';
import type { FileDraft } from './layer-files.ts';
import type { InspectedFile } from './model.ts';
import { judge } from './reads.ts';
import { shownPath } from './shown-path.ts';

/**
 * A stream's coded bytes are divided in proportion to the costs that the drafts have of it. What falls to a draft that is
 * of no entry is in none of the results.
 */
export function shareLayer(
  layer: PatchLayer,
  position: number,
  drafts: readonly FileDraft[],
): readonly InspectedFile[] {
  const perCost = drafts[0]!.contentCosts.map(() => 0);
  const totals = perCost.map((_, stream) =>
    drafts.reduce((sum, draft) => sum + draft.contentCosts[stream]! + draft.headerCosts[stream]!, 0),
  );
  let total = 0;
  for (const { stream, codedBytes } of layer.streams) {
    if (totals[stream] === 0) continue;
    perCost[stream] = codedBytes / totals[stream]!;
    total += codedBytes;
  }
  const sumOf = (costs: readonly number[]) =>
    costs.reduce((sum, cost, stream) => sum + cost * perCost[stream]!, 0);
  const shares = drafts.flatMap(({ contentCosts, headerCosts }) => [sumOf(contentCosts), sumOf(headerCosts)]);
  const bytes = divide(total, shares);
  return drafts.flatMap(({ entry, reads }, at) => {
    const headerBytes = bytes[2 * at + 1]!;
    const patchBytes = bytes[2 * at]! + headerBytes;
    if (entry === undefined) return [];
    const path = shownPath(entry.path);
    const { sizeBytes } = entry;
    return [
      {
        path,
        layer: position,
        sizeBytes,
        patchBytes,
        headerBytes,
        ...judge(reads, path, sizeBytes),
        ...(reads.newBytes === 0 ? {} : { newBytes: reads.newBytes }),
      },
    ];
  });
}
