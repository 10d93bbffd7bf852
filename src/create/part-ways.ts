/** The ways to close parts that a layer names, each spelt out where it is first used. */
import { pushVarint } from '../bytes/varint.ts';
import { type Choice, encodeChoice } from '../nested/choice.ts';

/** Gives what the ops stream says of how a part is closed; `back` is a directory's. */
export type NameWay = (choice: Choice, back: number | undefined) => Uint8Array;

export function startWays(): NameWay {
  const known = new Map<string, number>();
  return (choice, back) => {
    const encoded = encodeChoice(choice);
    const key = encoded.join();
    const number = known.get(key);
    const out: number[] = [];
    pushVarint(out, number ?? 0);
    if (number === undefined) {
      out.push(...encoded);
      known.set(key, known.size + 1);
    }
    if (back !== undefined) pushVarint(out, back);
    return Uint8Array.from(out);
  };
}
