import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DidiffError } from '../../errors.ts';
import { createClient } from './client.ts';
import { chooseEndpoint } from './endpoint.ts';
import type { Engine } from './kind.ts';
import { parseLoadAnswer, startLoad } from './load.ts';

const ENGINE = { address: 'unix:///run/docker.sock' } as Engine;
const parse = (text: string) => parseLoadAnswer(ENGINE, text);
const failureOf = (text: string): DidiffError => {
  try {
    parse(text);
  } catch (error) {
    return error as DidiffError;
  }
  throw new Error('it did not fail');
};

describe('what an engine answers to a load', () => {
  test('the names and IDs of what it loaded, as each kind writes them', () => {
    const id = `sha256:${'ab'.repeat(32)}`;
    expect(parse(`{"stream":"Loaded image ID: ${id}\\n"}\r\n`)).toEqual([id]);
    expect(parse('{"stream":"Loaded image: nginx:1\\n"}\n{"stream":"Loaded image: nginx:2\\n"}\n')).toEqual([
      'nginx:1',
      'nginx:2',
    ]);
    expect(parse(`{"stream":"Loaded image: ${id}"}`)).toEqual([id]);
    expect(parse('{"status":"Loading layer","progressDetail":{"current":1},"id":"x"}\n')).toEqual([]);
    expect(parse('')).toEqual([]);
  });

  test('an error under status 200 is an error, with the engine’s own words', () => {
    const text = '{"errorDetail":{"message":"write /x: no space left on device"},"error":"short"}\r\n';
    const error = failureOf(text);
    expect(error.code).toBe('STORAGE');
    expect(error.message).toContain('write /x: no space left on device');
    expect(error.hint).toContain('docker system prune');
    expect(parse('{"error":null,"errorDetail":null}')).toEqual([]);
    expect(failureOf('{"error":"invalid diffID"}').message).toContain('invalid diffID');
    expect(failureOf('{"status":"x"}\n{"errorDetail":{"code":1,"message":"late"}}').message).toContain(
      'late',
    );
  });

  test('any text gives a list or a DidiffError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.array(fc.json()).map((all) => all.join('\n')),
        ),
        (text) => {
          try {
            expect(Array.isArray(parse(text))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(DidiffError);
          }
        },
      ),
    );
  });
});

describe('a load under way', () => {
  /** A server that does with the body what no healthy engine would. */
  async function withServer(answer: RequestListener, work: (engine: Engine) => Promise<void>): Promise<void> {
    const server = createServer(answer);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = chooseEndpoint({
      host: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      env: {},
    });
    const client = createClient(endpoint, {});
    await work({ client, kind: 'classic', address: endpoint.address } as Engine);
    client.close();
    server.closeAllConnections();
    server.close();
  }

  async function* zeros(sizeBytes: number, onPiece: () => void = () => {}): AsyncGenerator<Uint8Array> {
    for (let left = sizeBytes; left > 0; left -= 1 << 16) {
      onPiece();
      yield new Uint8Array(Math.min(left, 1 << 16));
    }
  }

  const SIZE = 256 << 20;

  test('does not run ahead of an engine that takes nothing', async () => {
    const idle: RequestListener = (request) => void request.pause();
    await withServer(idle, async (engine) => {
      let pieces = 0;
      const load = startLoad(engine, undefined);
      const putting = load.putFile(
        'layer.tar',
        SIZE,
        zeros(SIZE, () => pieces++),
      );
      await sleep(300);
      const early = pieces;
      await sleep(300);
      expect(pieces).toBe(early);
      // What the kernel's buffers take, and little more.
      expect(pieces).toBeLessThan((24 << 20) >> 16);
      load.destroy();
      await expect(putting).rejects.toMatchObject({ code: 'UNREACHABLE' });
    });
  });

  test('an abort ends a wait for an engine that takes nothing', async () => {
    const idle: RequestListener = (request) => void request.pause();
    await withServer(idle, async (engine) => {
      const controller = new AbortController();
      const load = startLoad(engine, controller.signal);
      const putting = load.putFile('layer.tar', SIZE, zeros(SIZE));
      setTimeout(() => controller.abort(), 50);
      await expect(putting).rejects.toMatchObject({ code: 'CANCELLED' });
    });
  });

  test('an engine that answers before it has everything is heard', async () => {
    const answers: readonly [number, string, string][] = [
      [500, '{"message":"disk quota exceeded"}', 'disk quota exceeded'],
      [200, '{"errorDetail":{"message":"unexpected entry"}}', 'unexpected entry'],
      [200, '{"stream":"Loaded image: early:1"}', 'before it had the whole image'],
    ];
    for (const [status, body, reason] of answers) {
      const early: RequestListener = (request, response) => {
        request.once('data', () => response.writeHead(status).end(body));
        request.resume();
      };
      await withServer(early, async (engine) => {
        const load = startLoad(engine, undefined);
        const putting = load.putFile('layer.tar', SIZE, zeros(SIZE));
        await expect(putting).rejects.toMatchObject({ code: 'STORAGE' });
        await expect(putting).rejects.toThrow(reason);
        load.destroy();
      });
    }
  });

  test('an abort that comes after everything was sent waits for what the engine says', async () => {
    let answered = false;
    const slow: RequestListener = (request, response) => {
      request.resume();
      request.once('end', async () => {
        await sleep(200);
        answered = true;
        response.end('{"stream":"Loaded image: late:1"}');
      });
    };
    await withServer(slow, async (engine) => {
      const controller = new AbortController();
      const load = startLoad(engine, controller.signal);
      await load.putFile('a', 5, [new Uint8Array(5)]);
      const finishing = load.finish();
      setTimeout(() => controller.abort(), 50);
      expect(await finishing).toEqual(['late:1']);
      expect(answered).toBe(true);
    });
  });
});
