/** Gives a stream's coded pieces away as the other side takes them, and reads no further ahead than it may. */
import { type CodedSource, LATER } from '../coded-source.ts';
import { AHEAD_PIECES } from './messages.ts';

export interface Feeder {
  /** So many more pieces may be given. */
  grant(pieces: number): void;
  /** Gives the next piece, however far it is. To be called after `onStuck`, when what it leads to is needed. */
  force(): Promise<void>;
  stop(): void;
}

export interface FeederEvents {
  /** The other side has the piece from now on; undefined is the end. */
  readonly give: (piece: Uint8Array | undefined) => void;
  /** The other side has nothing any more, and the next piece is not to be read ahead. */
  readonly onStuck: () => void;
  readonly onError: (error: unknown) => void;
}

export function openFeeder(source: CodedSource, { give, onStuck, onError }: FeederEvents): Feeder {
  let granted = 0;
  let isReading = false;
  /** Whether there is nothing more to do. */
  let isOver = false;
  const pass = (piece: Uint8Array | undefined) => {
    if (isOver) return;
    granted--;
    isOver = piece === undefined;
    give(piece);
  };
  const read = async (): Promise<void> => {
    if (isReading) return;
    isReading = true;
    try {
      while (granted > 0 && !isOver) {
        const before = granted;
        const piece = await source.pullAhead();
        if (piece !== LATER) pass(piece);
        else if (granted === before) {
          if (granted === AHEAD_PIECES && !isOver) onStuck();
          return;
        }
      }
    } catch (error) {
      onError(error);
    } finally {
      isReading = false;
    }
  };
  return {
    grant(pieces) {
      granted += pieces;
      void read();
    },
    async force() {
      pass(await source.pull());
      void read();
    },
    stop() {
      isOver = true;
    },
  };
}
