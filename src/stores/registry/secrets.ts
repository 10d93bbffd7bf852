/** Passwords and tokens in use, so that what others say of a failure can be cleared of them before it is shown. */

export interface Secrets {
  add(...secrets: readonly string[]): void;
  /** The text without any of them, on one line, and not longer than a message should be. */
  clear(text: string): string;
}

const MAX_TEXT_LENGTH = 300;
/** Shorter ones would take ordinary words out of messages. */
const MIN_SECRET_LENGTH = 3;

export function openSecrets(): Secrets {
  const known = new Set<string>();
  return {
    add(...secrets) {
      for (const secret of secrets) {
        if (secret.length < MIN_SECRET_LENGTH) continue;
        known.add(secret);
        known.add(encodeURIComponent(secret));
      }
    },
    clear(text) {
      let cleared = text;
      // The longest first: one may be a part of another.
      for (const secret of [...known].sort((a, b) => b.length - a.length || (a < b ? -1 : 1)))
        cleared = cleared.replaceAll(secret, '***');
      const line = cleared.replace(/[\s\p{Cc}]+/gu, ' ').trim();
      return line.length > MAX_TEXT_LENGTH ? `${line.slice(0, MAX_TEXT_LENGTH)}…` : line;
    },
  };
}
