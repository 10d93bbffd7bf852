/** The page of a patch, from a real inspection, in a real browser: files by their shares, names that do nothing. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatBytes } from '../../src/cli/format.ts';
import {
  adviseOnPatch,
  createPatch,
  type Inspection,
  inspectPatch,
  openImage,
  openPatch,
  reportOfPatch,
  writePage,
} from '../../src/index.ts';
import { hasChromium, openBrowser } from '../fixtures/browser.ts';
import { buildImage, type FixtureImage } from '../fixtures/images.ts';
import { openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { seededBytes } from '../fixtures/random.ts';
import { file, layer } from '../scenarios/scenario.ts';

const workshop = openWorkshop();
const options = { tempDirectory: workshop.tempDirectory };
const pictures = process.env['DIDIFF_SCREENSHOTS'];
const HOSTILE = `<img src=x onerror="document.title='owned'">`;

const image = (release: number): FixtureImage =>
  buildImage({
    seed: 1,
    layers: [
      layer(file('etc/shared', seededBytes(1, 5000))),
      layer(
        file('srv/large', seededBytes(10 + release, 30_000)),
        file(`srv/${HOSTILE}`, seededBytes(20 + release, 9000)),
        file('var/log/apt/history.log', seededBytes(30 + release, 2000)),
      ),
    ],
  });

async function inspectMade(withBase: boolean): Promise<Inspection> {
  const path = workshop.newPath('patch');
  const names = [image(0), image(1)].map((each) => writeFixture(workshop, 'oci', each));
  const [base, target] = await Promise.all(names.map((name) => openImage(name, options)));
  try {
    await createPatch(base!, target!, path, options);
    const { reader, readBytes } = await openPatch(path);
    try {
      return await inspectPatch(reader, readBytes, withBase ? { ...options, base: base! } : undefined);
    } finally {
      await reader.close();
    }
  } finally {
    await base!.close();
    await target!.close();
  }
}

function writeReport(inspection: Inspection): string {
  const path = workshop.newPath('patch.html');
  const advice = adviseOnPatch(inspection);
  writePage(path, reportOfPatch(inspection, `${HOSTILE}.didiff`, advice, formatBytes), formatBytes);
  return path;
}

describe('the report of a patch', () => {
  it('says what each layer takes beside a pull, and without a base that files are not known', async () => {
    const inspection = await inspectMade(false);
    const report = reportOfPatch(inspection, 'app.didiff', [], formatBytes);
    expect(report.files).toEqual([]);
    expect(report.facts).toContainEqual(['files', 'not known: give --base']);
    const [shared, own] = report.bars;
    expect(shared!.parts.map(({ label }) => label)).toEqual(['shared']);
    expect(own!.parts.map(({ label }) => label)).toEqual(['patch', 'rest of a pull']);
    const pull = own!.parts.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(pull).toBe(inspection.target.layers[1]!.blob!.sizeBytes);
    expect(readFileSync(writeReport(inspection), 'utf8')).toContain('not known: give --base');
  });

  it.runIf(hasChromium)('works in a browser (with chromium)', { timeout: 60_000 }, async () => {
    const inspection = await inspectMade(true);
    const browser = openBrowser();
    try {
      const page = await browser.open(pathToFileURL(writeReport(inspection)).href);
      for (const width of [400, 1600]) {
        await page.show(width, 'light');
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        if (pictures === undefined) continue;
        mkdirSync(pictures, { recursive: true });
        writeFileSync(join(pictures, `patch-${width}.png`), await page.screenshot());
      }
      const paths = `[...document.querySelectorAll('tbody th')].map((each) => each.textContent)`;
      const shown = (await page.evaluate(paths)) as string[];
      expect(shown.slice(0, 3)).toEqual(['/srv/large', `/srv/${HOSTILE}`, '/var/log/apt/history.log']);
      expect(await page.evaluate('document.title')).toBe(`Where the bytes of ${HOSTILE}.didiff go`);
      expect(await page.evaluate('document.querySelector(".advice").textContent')).toContain('history.log');
      expect(page.complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
