/** A pull over a line that knows no limit, killed 50 times: what has to be fetched once more, counted on the line. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildProgram } from '../fixtures/built-program.ts';
import { buildImage } from '../fixtures/images.ts';
import { buildTar } from '../fixtures/layer-tar.ts';
import { seededNoise } from '../fixtures/random.ts';
import { type BadLine, startBadLine } from './bad-line.ts';
import { pushImage } from './push.ts';
import { type RunningRegistry, startRegistry } from './server.ts';
import { describeRegistry } from './suite.ts';

describeRegistry('a pull that is killed 50 times', () => {
  const KILLS = 50;
  const directory = mkdtempSync(join(tmpdir(), 'didiff-kills-'));
  const tar = buildTar([{ name: 'data', type: '0', content: seededNoise(1, 24 << 20) }]);
  const image = buildImage({ seed: 1, layers: [{ tar, compression: 'none' }] });
  const program = buildProgram();
  let server: RunningRegistry;
  let line: BadLine;
  beforeAll(async () => {
    server = await startRegistry();
    line = await startBadLine(server.port);
    await pushImage({ root: `http://${server.host}`, repository: 'app' }, '1', image);
  });
  afterAll(async () => {
    await line.stop();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('fetches at most a megabyte twice', { timeout: 600_000 }, async () => {
    const cache = join(directory, 'cache');
    const words = ['pull', `${line.host}/app:1`, '--to', `oci:${directory}/made:1`, '--cache-dir', cache];
    const noise = seededNoise(3, 2 * KILLS);
    for (let kill = 0; kill < KILLS; kill++) {
      const before = line.receivedBytes();
      const after = 1 + ((noise[2 * kill]! * 256 + noise[2 * kill + 1]!) % 60_000) * 12;
      const { signal } = await program.run([...words, '--plain-http'], {
        onStart: (child: ChildProcess) => killAfter(child, () => line.receivedBytes() - before >= after),
      });
      expect(signal).toBe('SIGKILL');
    }
    // What was kept shows that the kills came in the middle of something.
    expect(sizeOf(cache)).toBeGreaterThan(KILLS * 20_000);
    const { code } = await program.run([...words, '--plain-http']);
    expect(code).toBe(0);
    // What the registry has sent of it, also what never arrived.
    const { digest, bytes } = image.layers[0]!.blob;
    const lines = server
      .log()
      .split('\n')
      .filter((text) => text.includes(`blobs/${digest}`) && text.includes('response completed'));
    expect(lines.length).toBeGreaterThan(KILLS);
    const sent = lines.reduce((sum, text) => sum + Number(/http\.response\.written=(\d+)/.exec(text)![1]), 0);
    expect(sent - bytes.length).toBeGreaterThanOrEqual(0);
    expect(sent - bytes.length).toBeLessThanOrEqual(1 << 20);
  });
});

/** Looks as often as it can. */
function killAfter(child: ChildProcess, isTime: () => boolean): void {
  const look = (): void => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (isTime()) child.kill('SIGKILL');
    else setImmediate(look);
  };
  look();
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true })
    .map((name) => statSync(join(directory, String(name))))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}
