import type { Problem, ProblemCode } from "./document.ts";

/** What the scanners of one document share. */
export interface Scan {
  readonly source: string;
  readonly problems: Problem[];
  /** Characters that may still be read in vain; keeps hostile input from costing the square of its length. */
  budget: number;
  /** Texts that were searched for and do not occur any more. */
  readonly absent: Set<string>;
}

export function startScan(source: string): Scan {
  return { source, problems: [], budget: 16 * source.length + 4096, absent: new Set() };
}

export function report(scan: Scan, code: ProblemCode, offset: number, message: string): void {
  scan.problems.push({ code, offset, message });
}

/** Offset of the next `text` at or behind `from`, or -1. Searches for a text that is not there only once. */
export function find(scan: Scan, text: string, from: number): number {
  if (scan.absent.has(text)) return -1;
  const found = scan.source.indexOf(text, from);
  if (found < 0) {
    scan.absent.add(text);
    scan.budget -= scan.source.length - from;
  }
  return found;
}

/** Offset of the first character at or behind `from` that is not white space. */
export function skipWhiteSpace(source: string, from: number): number {
  let offset = from;
  while (isWhiteSpace(source.charCodeAt(offset))) offset++;
  return offset;
}

function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

const xmlName = /[A-Za-z_:\u0080-\uffff][\w:.\-\u0080-\uffff]*/y;

/** The XML name that starts at `from`, or "". */
export function nameAt(source: string, from: number): string {
  xmlName.lastIndex = from;
  return xmlName.test(source) ? source.slice(from, xmlName.lastIndex) : "";
}
