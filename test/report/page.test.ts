/** The page of a report, in a real browser: it works by mouse and keyboard, asks for nothing, and believes no name. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatBytes } from '../../src/cli/format.ts';
import { type FileCost, type Report, writePage } from '../../src/index.ts';
import { type Browser, hasChromium, openBrowser, type Page } from '../fixtures/browser.ts';
import { openWorkshop } from '../fixtures/patching.ts';

const workshop = openWorkshop();
/** Screenshots go there, to be looked at, where it is set. */
const pictures = process.env['DIDIFF_SCREENSHOTS'];

const KINDS = ['added', 'removed', 'changed', 'metadata', 'moved'];
const HOSTILE = '<img src=x onerror="document.title=`owned`">';

const FILES: readonly FileCost[] = [
  ...Array.from({ length: 60 }, (_, at) => ({
    path: `/usr/lib/python3/module-${at}.py`,
    bytes: 1000 * (60 - at),
    sizeBytes: 70_000,
    kind: at % 4 === 0 ? 0 : 2,
    detail: 'content, mtime',
  })),
  { path: '/usr/bin/app', bytes: 900_000, sizeBytes: 5_000_000, kind: 2 },
  {
    path: `/tmp/${HOSTILE}/</script><script>document.title='owned'</script>`,
    bytes: 400_000,
    sizeBytes: 400_000,
    kind: 0,
    detail: HOSTILE,
  },
  { path: '/etc/old.conf', bytes: 0, sizeBytes: 20, kind: 1 },
  { path: '/opt/日本/データ', bytes: 300_000, sizeBytes: 300_000, kind: 4, detail: 'was /srv/データ' },
  { path: '/__proto__/constructor', bytes: 50_000, sizeBytes: 50_000, kind: 3 },
];

const REPORT: Report = {
  title: `Differences between app:1.0 and ${HOSTILE}`,
  facts: [
    ['base', 'app:1.0, linux/amd64'],
    [HOSTILE, `${HOSTILE}</dd><script>document.title='owned'</script>`],
  ],
  measure: 'Files that differ, by their size in the target',
  kinds: KINDS,
  files: FILES,
  barsTitle: 'Layers of the target',
  bars: [
    { label: `layer 0 ${HOSTILE}`, parts: [{ label: 'shared', bytes: 29e6, colour: 3 }] },
    {
      label: 'layer 1',
      parts: [
        { label: 'patch', bytes: 2e6, colour: 0 },
        { label: 'rest of a pull', bytes: 12e6, colour: 2 },
      ],
    },
  ],
  advice: [
    {
      id: 'x',
      title: 'Files differ in times only',
      text: `Set SOURCE_DATE_EPOCH. ${HOSTILE}`,
      savesBytes: 12345,
      pathCount: 9,
      paths: ['/a', HOSTILE],
    },
  ],
};

// Pages in the background draw nothing: those that tests open beside the first come last.
describe.runIf(hasChromium)('the page of a report (with chromium)', { timeout: 30_000 }, () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = openBrowser();
    page = await openReport(REPORT);
  });
  afterAll(() => browser.close());

  async function openReport(report: Report): Promise<Page> {
    const path = workshop.newPath('report.html');
    writePage(path, report, formatBytes);
    const opened = await browser.open(pathToFileURL(path).href);
    await opened.show(1200, 'light');
    return opened;
  }
  const texts = (selector: string) =>
    page.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.textContent)`,
    ) as Promise<string[]>;
  const click = (expression: string) => page.evaluate(`(${expression}).click()`);
  const tile = (name: string) =>
    `[...document.querySelectorAll('button.tile')].find((each) => each.getAttribute('aria-label').startsWith(${JSON.stringify(`${name}:`)}))`;
  const frame = () =>
    page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))');

  it('shows names as they are, and none of them does anything', async () => {
    expect(await page.evaluate('document.title')).toBe(REPORT.title);
    expect(
      await page.evaluate('document.images.length + document.querySelectorAll("[onerror]").length'),
    ).toBe(0);
    expect(await page.evaluate('document.scripts.length')).toBe(2);
    expect((await texts('tbody th')).some((path) => path.includes(HOSTILE))).toBe(true);
    expect(page.complaints).toEqual([]);
  });

  it('sorts by every column, both ways', async () => {
    expect((await texts('tbody th'))[0]).toBe('/usr/bin/app');
    const heading = (name: string) => `document.querySelector('th[data-sort=${name}]')`;
    await click(`${heading('path')}.querySelector('button')`);
    expect((await texts('tbody th'))[0]).toBe('/__proto__/constructor');
    await click(`${heading('path')}.querySelector('button')`);
    expect((await texts('tbody th'))[0]).toBe('/usr/lib/python3/module-9.py');
    await click(`${heading('size')}.querySelector('button')`);
    expect((await texts('tbody th'))[0]).toBe('/usr/bin/app');
    expect(await page.evaluate(`${heading('size')}.getAttribute('aria-sort')`)).toBe('descending');
    expect(await page.evaluate(`document.querySelectorAll('[aria-sort]').length`)).toBe(1);
  });

  it('finds files by parts of their paths and by how', async () => {
    await page.evaluate(`document.getElementById('search').focus()`);
    await page.type('MODULE-1 changed');
    await frame();
    expect(await texts('#found')).toEqual(['9 files, 422 kB']);
    await page.evaluate(`document.getElementById('search').value = ''`);
    await page.type(' ');
    await frame();
    expect((await texts('#found'))[0]).toMatch(/^65 files/);
  });

  it('zooms into folders with the mouse, and out again', async () => {
    await click(tile('usr'));
    expect(await texts('#way button')).toEqual(['all', 'usr']);
    expect(await texts('#here')).toEqual(['2.73 MB in 61 files']);
    expect((await texts('#found'))[0]).toMatch(/^61 files in \/usr/);
    await click(tile('lib'));
    await click(`document.querySelector('#way button')`);
    expect(await texts('#way button')).toEqual(['all']);
    expect((await texts('#found'))[0]).toMatch(/^65 files/);
  });

  it('draws in a tile what its folders hold, one that holds but one folder as that one', async () => {
    const named = (name: string) =>
      `[...document.querySelectorAll('.part')].filter((each) => each.firstChild?.textContent === ${JSON.stringify(name)}).length`;
    expect(await page.evaluate(named('lib/python3/'))).toBe(1);
    const inside = `[...document.querySelectorAll('.part .part')].filter((each) => each.textContent === 'module-0.py').length`;
    expect(await page.evaluate(inside)).toBe(1);
    expect(await page.evaluate(named('37 smaller'))).toBe(1);
    const beyond = `[...document.querySelectorAll('.part')].filter((each) => {
      const [own, around] = [each, each.parentElement].map((element) => element.getBoundingClientRect());
      return own.right > around.right + 1 || own.bottom > around.bottom + 1;
    }).length`;
    expect(await page.evaluate(beyond)).toBe(0);
  });

  it('zooms with the keyboard: Enter goes in, Escape out, and the focus is where one is', async () => {
    await page.evaluate(`${tile('usr')}.focus()`);
    await page.press('Enter');
    expect(await texts('#way button')).toEqual(['all', 'usr']);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('usr');
    await page.press('Tab');
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toMatch(
      /^lib: 1\.83 MB, 67 %, folder, 60 files$/,
    );
    await page.press('Escape');
    expect(await texts('#way button')).toEqual(['all']);
  });

  it('has a name for everything that can be chosen', async () => {
    const nameless = `[...document.querySelectorAll('button, input, [role], section')].filter((each) => each.hidden === false &&
      !(each.getAttribute('aria-label') || each.getAttribute('aria-labelledby') || each.labels?.length || each.textContent.trim() || each.getAttribute('role') === 'status')).map((each) => each.outerHTML)`;
    expect(await page.evaluate(nameless)).toEqual([]);
  });

  it.each([400, 900, 1600])('fits into %i pixels, light and dark', async (width) => {
    for (const theme of ['light', 'dark'] as const) {
      await page.show(width, theme);
      await frame();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      const outside = `(() => { const map = document.getElementById('map').getBoundingClientRect();
        return [...document.querySelectorAll('.tile')].filter((each) => each.getBoundingClientRect().right > map.right + 1).length; })()`;
      expect(await page.evaluate(outside)).toBe(0);
      expect(await page.evaluate(CONTRAST)).toEqual([]);
      if (pictures === undefined) continue;
      mkdirSync(pictures, { recursive: true });
      writeFileSync(join(pictures, `${width}-${theme}.png`), await page.screenshot());
    }
  });

  it('is quick with 50,000 files', async () => {
    const files = Array.from({ length: 50_000 }, (_, at) => ({
      path: `/d${at % 97}/e${at % 1009}/file-${at}`,
      bytes: (at * 7919) % 100_003,
      sizeBytes: 100_003,
      kind: at % 5,
    }));
    const large = await openReport({ ...REPORT, files });
    const timed = async (action: string) =>
      (await large.evaluate(`(async () => { const start = performance.now(); ${action};
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        return performance.now() - start; })()`)) as number;
    const sorting = await timed(`document.querySelector('th[data-sort=path] button').click()`);
    const zooming = await timed(`document.querySelector('button.tile').click()`);
    const finding = await timed(
      `const search = document.getElementById('search'); search.value = 'file-4'; search.dispatchEvent(new Event('input'))`,
    );
    expect(await large.evaluate(`document.querySelectorAll('tbody tr').length`)).toBeLessThanOrEqual(100);
    // On a machine that does nothing else these are far below 200 ms.
    for (const ms of [sorting, zooming, finding]) expect(ms).toBeLessThan(3000);
    expect(large.complaints).toEqual([]);
  });

  it('runs no handler that gets in some other way', async () => {
    const victim = await openReport(REPORT);
    await victim.evaluate(
      `document.body.insertAdjacentHTML('beforeend', '<p id=trap onclick="document.title=1">x</p>')`,
    );
    await victim.evaluate(`document.getElementById('trap').click()`);
    expect(await victim.evaluate('document.title')).toBe(REPORT.title);
    expect(victim.complaints.join()).toContain('Content Security Policy');
  });
});

/** Texts on tiles and in the body that stand out less than WCAG's 4.5 to 1. */
const CONTRAST = `(() => {
  const channel = (value) => { const c = value / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = (rgb) => { const [r, g, b] = rgb.match(/[0-9.]+/g).map(Number); return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
  const backOf = (element) => { for (let at = element; at; at = at.parentElement) { const back = getComputedStyle(at).backgroundColor; if (!/rgba\\(.*, 0\\)|transparent/.test(back)) return back; } return 'rgb(255,255,255)'; };
  return [...document.querySelectorAll('.tile, .part, td, th, .faint, button, h1, dt')].filter((each) => each.textContent !== '').flatMap((each) => {
    const [a, b] = [light(getComputedStyle(each).color), light(backOf(each))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return ratio < 4.5 ? [each.className + ' ' + each.tagName + ' ' + ratio] : [];
  });
})()`;
