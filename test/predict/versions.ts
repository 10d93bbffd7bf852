/** Two versions of one program: a function and a longer string come in between, and everything after them moves. */
import { buildElf, type ElfSpec, type FunctionSpec } from './build-elf.ts';

const COUNT = 120;

export function programSpec(machine: ElfSpec['machine']): ElfSpec {
  const functions = Array.from(
    { length: COUNT },
    (_, i): FunctionSpec => ({
      name: `function_${(i * 7919) % 1000}_${i}`,
      calls: [3, 5, 11].map(
        (step) => `function_${(((i * step + 1) % COUNT) * 7919) % 1000}_${(i * step + 1) % COUNT}`,
      ),
      takes: [i % 40, (i * 13) % 40],
      filler: 16 + 4 * (i % 9),
    }),
  );
  return { machine, functions, strings: Array.from({ length: 40 }, (_, i) => 8 + 4 * (i % 7)) };
}

export function withFunction(spec: ElfSpec): ElfSpec {
  const added: FunctionSpec = { name: 'added', calls: [spec.functions[1]!.name], takes: [2], filler: 44 };
  const functions = spec.functions.toSpliced(40, 0, added);
  return { ...spec, functions, strings: spec.strings.with(20, 64) };
}

/** The two as files. */
export function programVersions(machine: ElfSpec['machine']): readonly [old: Uint8Array, next: Uint8Array] {
  const spec = programSpec(machine);
  return [buildElf(spec), buildElf(withFunction(spec))];
}
