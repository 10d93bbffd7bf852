/** How a part is closed, on the wire: its form, and for the forms that hold a DEFLATE stream the engine that makes it. */
import { pushVarint } from '../bytes/varint.ts';
import type { EngineChoice } from '../deflate/engines.ts';
import { corrupt, DidiffError } from '../errors.ts';
import { type DeflateForm, FORM_DIRECTORY, FORM_STRINGS, type OwnForm } from './forms.ts';

export type Choice =
  | { readonly form: DeflateForm; readonly engine: EngineChoice }
  | { readonly form: OwnForm };

/** As many as the engine of a blob's recipe may have. */
const MOST_PARAMETERS = 16;

export function encodeChoice(choice: Choice): Uint8Array {
  const out: number[] = [];
  pushVarint(out, choice.form);
  if ('engine' in choice) {
    const { engine, version, parameters } = choice.engine;
    for (const number of [engine, version, parameters.length, ...parameters]) pushVarint(out, number);
  }
  return Uint8Array.from(out);
}

/** `next` gives one integer after the other. Whether the engine is known shows when it is made. */
export async function readChoice(next: (what: string) => Promise<number>): Promise<Choice> {
  const form = await next('the form of an opened part');
  if (form >= FORM_DIRECTORY && form <= FORM_STRINGS) return { form: form as OwnForm };
  if (form > FORM_STRINGS)
    throw new DidiffError('UNSUPPORTED', `there is no form ${form} of opened parts`, {
      hint: 'Use a newer didiff.',
    });
  const engine = await next('the engine of an opened part');
  const version = await next('the engine version of an opened part');
  const count = await next('the number of engine parameters');
  if (count > MOST_PARAMETERS)
    throw corrupt(`an engine has ${count} parameters; at most ${MOST_PARAMETERS} are allowed`);
  const parameters: number[] = [];
  while (parameters.length < count) parameters.push(await next('an engine parameter'));
  return { form: form as DeflateForm, engine: { engine, version, parameters } };
}
