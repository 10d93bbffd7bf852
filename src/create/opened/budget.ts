/** What parts of one layer may come to, counted as a reader counts it (docs/format.md, "Parts"). */
import type { EngineChoice } from '../../deflate/engines.ts';
import type { Form } from '../../nested/forms.ts';
import { ENGINE_CHANGE_BYTES, mostPlainBytes } from '../../patch/format.ts';

export interface PartBudget {
  /** Plain bytes that parts may still come to. */
  readonly left: number;
  /** Takes what a part counts for; false, and nothing taken, when that is more than is left. */
  take(plainBytes: number, depth: number, form: Form, engine: EngineChoice | undefined): boolean;
}

export function openPartBudget(tarBytes: number): PartBudget {
  let left = mostPlainBytes(tarBytes);
  /** By depth. */
  const last: string[] = [];
  return {
    get left() {
      return left;
    },
    take(plainBytes, depth, form, engine) {
      const way = engine && `${form} ${engine.engine} ${engine.version} ${engine.parameters.join(' ')}`;
      const isOther = way !== undefined && last[depth] !== way;
      const cost = plainBytes + (isOther ? ENGINE_CHANGE_BYTES : 0);
      if (cost > left) return false;
      if (isOther) last[depth] = way;
      left -= cost;
      return true;
    },
  };
}
