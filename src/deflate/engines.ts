/**
 * The engines a recipe may name, by their numbers on the wire. Numbers, versions and what they do are frozen: an
 * engine that must change gets a new version and the old one stays.
 */

import { unzigzag, zigzag } from '../bytes/varint.ts';
import { corrupt, DidiffError } from '../errors.ts';
import type { ByteSink } from './bits.ts';
import { createLegacyModel, LEGACY_LEVELS } from './go-legacy/model.ts';
import type { DeflateModel } from './model.ts';

/** What a recipe says about its engine. */
export interface EngineChoice {
  readonly engine: number;
  readonly version: number;
  /** Unsigned integers whose meaning is the engine's own. */
  readonly parameters: readonly number[];
}

interface Engine {
  readonly name: string;
  readonly version: number;
  /** Throws CORRUPT_INPUT for parameters that mean nothing. */
  create(parameters: readonly number[], sink: ByteSink): DeflateModel;
  describe(parameters: readonly number[]): string;
}

export const GO_LEGACY = 1;

const ENGINES: ReadonlyMap<number, Engine> = new Map([
  [
    GO_LEGACY,
    {
      name: 'go-legacy',
      version: 1,
      create: (parameters, sink) => createLegacyModel(legacyLevel(parameters), sink),
      describe: (parameters) => `Go up to 1.26, level ${legacyLevel(parameters)}`,
    },
  ],
]);

export function goLegacy(level: number): EngineChoice {
  return { engine: GO_LEGACY, version: 1, parameters: [zigzag(level)] };
}

/** Throws UNSUPPORTED for an engine or version unknown here, CORRUPT_INPUT for parameters it does not have. */
export function createModel(choice: EngineChoice, sink: ByteSink): DeflateModel {
  return findEngine(choice).create(choice.parameters, sink);
}

/** The encoder in words, for people. */
export function describeEngine(choice: EngineChoice): string {
  return findEngine(choice).describe(choice.parameters);
}

function findEngine(choice: EngineChoice): Engine {
  const engine = ENGINES.get(choice.engine);
  if (engine !== undefined && choice.version === engine.version) return engine;
  const name = engine === undefined ? `number ${choice.engine}` : `${engine.name} version ${choice.version}`;
  throw new DidiffError('UNSUPPORTED', `the recipe of a blob needs compression engine ${name}`, {
    hint: 'Use a newer didiff to apply this patch, or make it again with this version.',
    data: { engine: choice.engine, version: choice.version },
  });
}

function legacyLevel(parameters: readonly number[]): number {
  const level = unzigzag(parameters[0] ?? 1);
  if (parameters.length === 1 && LEGACY_LEVELS.includes(level)) return level;
  throw corrupt(
    `a recipe has parameters [${parameters.join(', ')}] for engine go-legacy; expected one level`,
  );
}
