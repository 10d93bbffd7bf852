/** `didiff version`, and the version itself, which stands in package.json only. */
import { readFileSync } from 'node:fs';
import type { CommandModule } from './command.ts';

export function readVersion(): string {
  // The same two levels up from src/cli and from dist/cli.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export const versionCommand: CommandModule = {
  register(program, context) {
    program
      .command('version')
      .description('show the versions of didiff and of what it runs on')
      .action((_options, command) => {
        const { output } = context.start(command);
        const value = {
          didiff: readVersion(),
          node: process.versions.node,
          platform: `${process.platform}/${process.arch}`,
        };
        output.result(value, () => `didiff ${value.didiff}\nnode ${value.node}, ${value.platform}`);
      });
  },
};
