/** Letters and digits that nobody mistakes for one another: 32 of them, so that each tells five bits. */
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
/** 100 bits in groups of five. */
const LENGTH = 20;

/** A password of letters and digits in groups, from `random` bytes (at least twenty). */
export function passwordOf(random: Uint8Array): string {
  const letters = Array.from(random.subarray(0, LENGTH), (byte) => LETTERS[byte % LETTERS.length]);
  return letters.join("").replace(/.{5}(?=.)/g, "$&-");
}

/** A password that nobody chose. */
export function madePassword(): string {
  return passwordOf(crypto.getRandomValues(new Uint8Array(LENGTH)));
}
