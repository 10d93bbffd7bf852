/** The report of an estimate: which files a patch would be made of, beside what a pull moves. */
import { type Estimate, type EstimatedLayer, KINDS } from '../estimate/model.ts';
import type { Advice, Bar, Report } from './model.ts';

const PATCH_COLOUR = 0;
const PULL_COLOUR = 2;
const SHARED_COLOUR = 3;

export function reportOfEstimate(estimate: Estimate, advice: readonly Advice[]): Report {
  const { base, target, estimatedBytes, pullBytes, layers, files } = estimate;
  const whole: Bar = {
    label: 'all layers',
    parts: partsOf(estimatedBytes, pullBytes ?? estimatedBytes),
  };
  return {
    title: `Estimate of a patch from ${base} to ${target}`,
    facts: [
      ['base', base],
      ['target', target],
    ],
    measure: 'Estimated bytes in the patch',
    kinds: KINDS,
    files: files.map(({ path, earlier, estimatedBytes: bytes, sizeBytes, kind }) => ({
      path,
      bytes,
      sizeBytes,
      kind: KINDS.indexOf(kind),
      ...(earlier === undefined || earlier === path ? {} : { detail: `was ${earlier}` }),
    })),
    barsTitle: 'What is transferred',
    bars: [whole, ...layers.map(barOf)],
    advice,
  };
}

function barOf({ how, estimatedBytes, blobBytes, tarBytes }: EstimatedLayer, position: number): Bar {
  const label = `layer ${position}`;
  const pullBytes = blobBytes ?? tarBytes;
  if (how === 'base') return { label, parts: [{ label: 'shared', bytes: pullBytes, colour: SHARED_COLOUR }] };
  return { label, parts: partsOf(estimatedBytes, pullBytes) };
}

function partsOf(patchBytes: number, pullBytes: number): Bar['parts'] {
  const patch = { label: 'patch', bytes: patchBytes, colour: PATCH_COLOUR };
  return pullBytes <= patchBytes
    ? [patch]
    : [patch, { label: 'rest of a pull', bytes: pullBytes - patchBytes, colour: PULL_COLOUR }];
}
