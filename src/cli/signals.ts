/**
 * Signals that ask the process to end become an abort, so that a command can clean up. The second one ends the process
 * at once: a user who asks twice means it.
 */
import { DidiffError } from '../errors.ts';

/** Signals, and the exit codes that shells give a process that died of them: 128 and the signal's number. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type SignalName = keyof typeof SIGNALS;

/** The part of `process` that is needed. */
export interface SignalSource {
  on(name: SignalName, listener: (name: SignalName) => void): unknown;
  off(name: SignalName, listener: (name: SignalName) => void): unknown;
  /** Ends the process at once. */
  exit(code: number): unknown;
}

export interface SignalWatch {
  readonly signal: AbortSignal;
  /** The exit code that the received signal asks for; undefined while there was none. */
  exitCode(): number | undefined;
  /** Gives the signals back to whoever had them. */
  stop(): void;
}

/** `onFirst` is told the name of the first signal, `beforeExit` is called before the second ends the process. */
export function watchSignals(
  source: SignalSource,
  onFirst: (name: string) => void,
  beforeExit: () => void,
): SignalWatch {
  const controller = new AbortController();
  let received: SignalName | undefined;
  const listener = (name: SignalName): void => {
    if (received !== undefined) {
      beforeExit();
      source.exit(SIGNALS[name]);
      return;
    }
    received = name;
    onFirst(name);
    controller.abort(
      new DidiffError('CANCELLED', `stopped by ${name} before it was done; nothing was changed`, {
        data: { signal: name },
      }),
    );
  };
  const names = Object.keys(SIGNALS) as SignalName[];
  for (const name of names) source.on(name, listener);
  return {
    signal: controller.signal,
    exitCode: () => (received === undefined ? undefined : SIGNALS[received]),
    stop() {
      for (const name of names) source.off(name, listener);
    },
  };
}
