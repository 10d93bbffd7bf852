import { expect, test } from 'vitest';
import type { CreateReport } from '../index.ts';
import { describeCreated } from './describe-created.ts';
import { renderLines } from './styled.ts';

const DIFF_ID = `sha256:${'a'.repeat(64)}` as const;
const REPORT: CreateReport = {
  patchBytes: 1450,
  base: 'oci:images:app-1.0',
  target: 'oci:images:app-1.1',
  layers: [
    { diffId: DIFF_ID, tarBytes: 44_032, how: 'base', patchBytes: 0 },
    { diffId: DIFF_ID, tarBytes: 44_032, how: 'delta', patchBytes: 256 },
    {
      diffId: DIFF_ID,
      tarBytes: 2_000_000,
      how: 'blob',
      patchBytes: 900_000,
      blob: { digest: DIFF_ID, source: 'carried', sizeBytes: 900_000, compression: 'zstd' },
    },
  ],
  files: { same: 12, changed: 4, added: 0, predicted: 1 },
  pullBytes: 11_200,
  exactManifest: true,
  needsBaseBlobs: false,
};

test('what create made stands in columns, in one piece where it is piped', () => {
  expect(renderLines(describeCreated(REPORT, 'app.didiff'), false).split('\n')).toEqual([
    'app.didiff: 1.45 kB, from oci:images:app-1.0 to oci:images:app-1.1',
    '  a pull would move 11.2 kB: 7.7 times as much',
    '  manifest digest and signatures stay valid on every store',
    'layers',
    '  0             44.0 kB  the same as in the base',
    '  1   256 B  of 44.0 kB  from the base',
    '  2  900 kB  of 2.00 MB  carried whole; blob carried (900 kB) (zstd, which no recipe makes)',
    'files',
    '  12  the same',
    '   4  changed',
    '   1  executables among them, predicted',
  ]);
});

test('nothing is wider than the terminal, and a name from an image sends it nothing', () => {
  const named = { ...REPORT, target: 'oci:images:\x1b[2J\nlayers' };
  for (const width of [40, 60, 80]) {
    const text = renderLines(describeCreated(named, 'app.didiff', width), false);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
    expect(text).not.toContain('\x1b');
    expect(text.split('\n').filter((line) => line === 'layers')).toHaveLength(1);
  }
});
