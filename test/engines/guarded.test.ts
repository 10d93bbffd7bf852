/** An engine behind a proxy that forbids some calls, as authorisation proxies do: what was begun is put back. */
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, openEngine } from '../../src/stores/engine/kind.ts';
import { openEngineSink } from '../../src/stores/engine/write.ts';
import { buildImage, targetOf } from '../fixtures/images.ts';
import type { RunningEngine } from './daemon.ts';
import { imageIds, seedImage } from './images.ts';
import { failureOf } from './reading.ts';
import { describeEngine } from './suite.ts';
import { write } from './writing.ts';

const OLD = buildImage({ seed: 800, layers: [{}] });
const NEW = buildImage({ seed: 810, layers: [{}] });

describeEngine('docker-classic', (running) => {
  describe('behind a proxy', () => {
    let forbidden = /^$/;
    let guard: Guard;
    let engine: Engine;
    const options = () => ({ tempDirectory: running().directory });
    const idOf = (name: string): string =>
      running().docker('image', 'inspect', '--format', '{{.Id}}', name).trim();

    beforeAll(async () => {
      guard = await startGuard(running(), (call) => forbidden.test(call));
      engine = await openEngine({ host: guard.host });
      seedImage(running(), OLD, 'moving:1');
    });
    afterAll(async () => {
      engine.close();
      await guard.stop();
    });

    test('when one of several names is refused, the others lead where they led, and the image is gone', async () => {
      const before = imageIds(running());
      forbidden = /tag=refused/;
      const names = ['moving:1', 'fresh:1', 'refused:refused', 'late:1'];
      const error = await failureOf(write(openEngineSink(engine, options()), NEW, names));
      expect(error.code).toBe('UNAUTHORISED');
      expect(error.message).toContain('refused:refused');
      expect(error.message).toContain('not by this guard');
      expect(imageIds(running())).toEqual(before);
      expect(idOf('moving:1')).toBe(OLD.config.digest);
      for (const name of ['fresh:1', 'late:1']) expect(() => idOf(name)).toThrow();
    });

    test('an image that was there before keeps what it had', async () => {
      seedImage(running(), NEW, 'own:1');
      forbidden = /tag=refused/;
      const sink = openEngineSink(engine, options());
      const naming = sink.commit(targetOf(NEW), ['moving:1', 'fresh:1', 'refused:refused']);
      expect((await failureOf(naming)).code).toBe('UNAUTHORISED');
      expect(idOf('own:1')).toBe(NEW.config.digest);
      expect(idOf('moving:1')).toBe(OLD.config.digest);
      expect(() => idOf('fresh:1')).toThrow();
    });

    test('a load that is forbidden is told with the reason', async () => {
      forbidden = /images\/load/;
      const image = buildImage({ seed: 820, layers: [{}] });
      const error = await failureOf(write(openEngineSink(engine, options()), image, ['x:1']));
      expect(error).toMatchObject({ code: 'UNAUTHORISED' });
      expect(error.message).toContain('not by this guard');
    });
  });
});

interface Guard {
  readonly host: string;
  stop(): Promise<void>;
}

/** Passes calls on to the engine unless `forbids` says 403. */
async function startGuard(engine: RunningEngine, forbids: (call: string) => boolean): Promise<Guard> {
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    if (forbids(`${method} ${url}`)) {
      outgoing.writeHead(403).end(JSON.stringify({ message: 'not by this guard' }));
      return;
    }
    const passed = request({ socketPath: engine.socket, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  const path = join(engine.directory, 'guard');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    host: `unix://${path}`,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
