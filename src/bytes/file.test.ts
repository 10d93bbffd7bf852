import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processPlace, removeStale, temporaryName } from './file.ts';

describe('what killed processes left', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'didiff-stale-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** An ID that no process of Linux has. */
  const NOBODY = 4_194_305;
  const put = (name: string, ageDays = 0) => {
    const path = join(directory, name);
    writeFileSync(path, 'half of something');
    const time = Date.now() / 1000 - ageDays * 86_400;
    utimesSync(path, time, time);
    return name;
  };
  const left = () => {
    removeStale(directory, '.x-');
    return readdirSync(directory).sort();
  };

  it('goes when its process is gone, or its ID is another one by now', () => {
    const own = put(temporaryName('.x-'));
    expect(own).toMatch(new RegExp(`^\\.x-${process.pid}-${processPlace()}-\\d+-[0-9a-f]{8}\\.tmp$`));
    put(`.x-${NOBODY}-${processPlace()}-77-aa.tmp`);
    put(`.x-${process.ppid}-${processPlace()}-1-bb.tmp`);
    expect(left()).toEqual([own]);
  });

  it('stays for a day when it is from another container or boot, whose process IDs say nothing here', () => {
    const kept = [
      put(`.x-${NOBODY}-0123456789ab-77-aa.tmp`),
      put(`.x-${process.pid}-0123456789ab-77-bb.tmp`),
      put(`.x-${NOBODY}-cc.tmp`),
    ];
    put(`.x-${process.pid}-0123456789ab-77-dd.tmp`, 2);
    expect(left()).toEqual(kept.sort());
  });

  it('stays as a folder while anything in it changes', () => {
    const name = `.x-${NOBODY}-0123456789ab-77-aa.tmp`;
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'blob'), 'more of it');
    const old = Date.now() / 1000 - 2 * 86_400;
    utimesSync(join(directory, name), old, old);
    expect(left()).toEqual([name]);
    utimesSync(join(directory, name, 'blob'), old, old);
    utimesSync(join(directory, name), old, old);
    expect(left()).toEqual([]);
  });

  it('is nothing else: other names are left alone', () => {
    const names = [put('.x-1.tmp'), put('.x-abc-aa.tmp', 9), put('.y-4194305-aa.tmp', 9), put('x.tmp', 9)];
    expect(left()).toEqual(names.sort());
  });
});
