import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type SignalSource, watchSignals } from './signals.ts';

function setUp() {
  const told: string[] = [];
  const emitter = new EventEmitter();
  const source = Object.assign(emitter, { exit: (code: number) => told.push(`exit ${code}`) });
  const watch = watchSignals(
    source as unknown as SignalSource,
    (name) => told.push(`first ${name}`),
    () => told.push('before exit'),
  );
  // As node does: listeners get the signal's name.
  const send = (name: string) => emitter.emit(name, name);
  return { told, send, watch, emitter };
}

describe('a signal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('%s aborts, and asks for exit code %d', (name, code) => {
    const { told, send, watch } = setUp();
    expect(watch.exitCode()).toBeUndefined();
    expect(watch.signal.aborted).toBe(false);
    send(name);
    expect(watch.signal.aborted).toBe(true);
    expect(watch.signal.reason).toMatchObject({ code: 'CANCELLED', data: { signal: name } });
    expect(watch.exitCode()).toBe(code);
    expect(told).toEqual([`first ${name}`]);
  });

  test('that comes again ends the process at once', () => {
    const { told, send, watch } = setUp();
    send('SIGINT');
    send('SIGINT');
    expect(told).toEqual(['first SIGINT', 'before exit', 'exit 130']);
    send('SIGTERM');
    expect(told.at(-1)).toBe('exit 143');
    expect(watch.exitCode()).toBe(130);
  });

  test('is left to others once the watch has stopped', () => {
    const { told, send, watch, emitter } = setUp();
    watch.stop();
    send('SIGINT');
    expect([told, emitter.eventNames(), watch.signal.aborted]).toEqual([[], [], false]);
  });
});
