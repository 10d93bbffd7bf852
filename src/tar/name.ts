/** Names in tars are bytes. As strings they hold one character per byte, so that no two names become one. */

/** For people: the name as UTF-8; bytes that aren't become U+FFFD. */
export function textOfName(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}

/** The name whose bytes are `text` in UTF-8. */
export function nameOfText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
