import { SandboxError } from "../errors.ts";
import { type Assertion, type CharacterTest, ignoringCase, isWord, type ParsedRegex, type Pattern } from "./parse.ts";

/** Where the groups matched, by slot; null where one did not. Slot 0 is the whole. */
export type Captures = readonly (readonly [start: number, end: number] | null)[];

/** Steps of a matcher, each a character or a decision; counted over a whole evaluation. */
interface MatchBudget {
  step(count?: number): void;
}

type Instruction =
  | { readonly op: "set"; readonly test: CharacterTest }
  | { readonly op: "split"; readonly first: number; readonly second: number }
  | { readonly op: "jump"; readonly to: number }
  | { readonly op: "open" | "close"; readonly slot: number }
  | { readonly op: "assert"; readonly where: Assertion }
  | { readonly op: "reference"; readonly slot: number; readonly ignoreCase: boolean }
  | { readonly op: "look"; readonly program: Program; readonly behind: boolean; readonly wanted: boolean }
  | { readonly op: "atomic"; readonly program: Program }
  /** Remembers where a turn of a loop began; a turn that moved nowhere is the last. */
  | { readonly op: "mark"; readonly counter: number }
  | { readonly op: "moved"; readonly counter: number }
  | { readonly op: "match" };

type Program = readonly Instruction[];

const longest = 20_000;

export interface Regex {
  readonly names: readonly string[];
  readonly program: Program;
  readonly counters: number;
}

export function assemble({ pattern, names }: ParsedRegex): Regex {
  const assembler = new Assembler();
  return { names, program: assembler.program(pattern), counters: assembler.counters };
}

class Assembler {
  counters = 0;
  #size = 0;

  program(pattern: Pattern): Program {
    const code: Instruction[] = [];
    this.#emit(pattern, code);
    code.push({ op: "match" });
    return code;
  }

  #emit(pattern: Pattern, code: Instruction[]): void {
    if (++this.#size > longest) throw new SandboxError("The regular expression is larger than the sandbox allows.");
    switch (pattern.kind) {
      case "set":
        code.push({ op: "set", test: pattern.test });
        break;
      case "sequence":
        for (const part of pattern.parts) this.#emit(part, code);
        break;
      case "choice":
        this.#choice(pattern.options, code);
        break;
      case "repeat":
        this.#repeat(pattern, code);
        break;
      case "group":
        code.push({ op: "open", slot: pattern.slot });
        this.#emit(pattern.body, code);
        code.push({ op: "close", slot: pattern.slot });
        break;
      case "reference":
        code.push({ op: "reference", slot: pattern.slot, ignoreCase: pattern.ignoreCase });
        break;
      case "look":
        code.push({ op: "look", program: this.program(pattern.body), behind: pattern.behind, wanted: pattern.wanted });
        break;
      case "atomic":
        code.push({ op: "atomic", program: this.program(pattern.body) });
        break;
      case "assert":
        code.push({ op: "assert", where: pattern.where });
    }
  }

  #choice(options: readonly Pattern[], code: Instruction[]): void {
    const ends: number[] = [];
    options.forEach((option, index) => {
      if (index === options.length - 1) this.#emit(option, code);
      else {
        const split = this.#reserve(code);
        this.#emit(option, code);
        ends.push(this.#reserve(code));
        code[split] = { op: "split", first: split + 1, second: code.length };
      }
    });
    for (const end of ends) code[end] = { op: "jump", to: code.length };
  }

  #repeat({ body, least, most, lazy }: Extract<Pattern, { kind: "repeat" }>, code: Instruction[]): void {
    for (let count = 0; count < least; count++) this.#emit(body, code);
    const branch = (inside: number, behind: number): Instruction =>
      lazy ? { op: "split", first: behind, second: inside } : { op: "split", first: inside, second: behind };
    if (most === Number.POSITIVE_INFINITY) {
      const counter = this.counters++;
      const start = this.#reserve(code);
      code.push({ op: "mark", counter });
      this.#emit(body, code);
      code.push({ op: "moved", counter }, { op: "jump", to: start });
      code[start] = branch(start + 1, code.length);
      return;
    }
    const splits: number[] = [];
    for (let count = least; count < most; count++) {
      splits.push(this.#reserve(code));
      this.#emit(body, code);
    }
    for (const split of splits) code[split] = branch(split + 1, code.length);
  }

  #reserve(code: Instruction[]): number {
    code.push({ op: "match" });
    return code.length - 1;
  }
}

/** The first match at or behind a place; null where there is none. */
export function firstMatch(regex: Regex, text: string, from: number, budget: MatchBudget): Captures | null {
  const matcher = new Matcher(regex, text, budget);
  for (let start = from; start <= text.length; start++) {
    const captures = matcher.at(start);
    if (captures !== null) return captures;
  }
  return null;
}

interface State {
  readonly at: number;
  readonly position: number;
  readonly captures: readonly number[];
  readonly marks: readonly number[];
}

class Matcher {
  readonly #regex: Regex;
  readonly #text: string;
  readonly #budget: MatchBudget;

  constructor(regex: Regex, text: string, budget: MatchBudget) {
    this.#regex = regex;
    this.#text = text;
    this.#budget = budget;
  }

  at(start: number): Captures | null {
    const none = new Array<number>(this.#regex.names.length * 2).fill(-1);
    const found = this.#run(this.#regex.program, start, none, null);
    if (found === null) return null;
    return this.#regex.names.map((_, slot) => {
      if (slot === 0) return [start, found.position] as const;
      const [from = -1, to = -1] = found.captures.slice(slot * 2, slot * 2 + 2);
      return from === -1 || to === -1 ? null : ([from, to] as const);
    });
  }

  /** Follows the first way and keeps the others; with `end` only a match that ends there counts. */
  #run(program: Program, start: number, captures: readonly number[], end: number | null): State | null {
    const others: State[] = [{ at: 0, position: start, captures, marks: [] }];
    for (let state = others.pop(); state !== undefined; state = others.pop()) {
      const found = this.#follow(program, state, others, end);
      if (found !== null) return found;
      if (others.length > 1_000_000) throw new SandboxError("The regular expression takes more memory than the sandbox allows.");
    }
    return null;
  }

  #follow(program: Program, state: State, others: State[], end: number | null): State | null {
    let { at, position, captures, marks } = state;
    for (let instruction = program[at]; instruction !== undefined; instruction = program[at]) {
      this.#count();
      switch (instruction.op) {
        case "match":
          return end === null || position === end ? { at, position, captures, marks } : null;
        case "set":
          if (position >= this.#text.length || !instruction.test(this.#text.charCodeAt(position))) return null;
          position++;
          at++;
          break;
        case "jump":
          at = instruction.to;
          break;
        case "split":
          others.push({ at: instruction.second, position, captures, marks });
          at = instruction.first;
          break;
        case "open":
          captures = captures.with(instruction.slot * 2, position).with(instruction.slot * 2 + 1, -1);
          at++;
          break;
        case "close":
          captures = captures.with(instruction.slot * 2 + 1, position);
          at++;
          break;
        case "mark":
          marks = replaced(marks, instruction.counter, position);
          at++;
          break;
        case "moved":
          // A turn that matched nothing is not taken again: on behind the loop, past its jump back.
          at += marks[instruction.counter] === position ? 2 : 1;
          break;
        case "assert":
          if (!this.#holds(instruction.where, position)) return null;
          at++;
          break;
        case "reference": {
          const next = this.#repeated(captures, instruction.slot, instruction.ignoreCase, position);
          if (next === null) return null;
          position = next;
          at++;
          break;
        }
        case "look": {
          const found = this.#look(instruction.program, instruction.behind, position, captures);
          if ((found !== null) !== instruction.wanted) return null;
          captures = found?.captures ?? captures;
          at++;
          break;
        }
        case "atomic": {
          const found = this.#run(instruction.program, position, captures, null);
          if (found === null) return null;
          ({ position, captures } = found);
          at++;
        }
      }
    }
    return null;
  }

  #counted = 0;

  /** Sixteen of them are a step of the evaluation. */
  #count(): void {
    if ((++this.#counted & 15) === 0) this.#budget.step();
  }

  #look(program: Program, behind: boolean, position: number, captures: readonly number[]): State | null {
    if (!behind) return this.#run(program, position, captures, null);
    for (let start = position; start >= 0; start--) {
      const found = this.#run(program, start, captures, position);
      if (found !== null) return found;
    }
    return null;
  }

  #repeated(captures: readonly number[], slot: number, ignoreCase: boolean, position: number): number | null {
    const [from = -1, to = -1] = captures.slice(slot * 2, slot * 2 + 2);
    if (from === -1 || to === -1) return null;
    for (let index = 0; index < to - from; index++) {
      this.#count();
      const wanted = this.#text.charCodeAt(from + index);
      const test: CharacterTest = (code) => code === wanted;
      if (position + index >= this.#text.length || !(ignoreCase ? ignoringCase(test) : test)(this.#text.charCodeAt(position + index)))
        return null;
    }
    return position + to - from;
  }

  #holds(where: Assertion, position: number): boolean {
    const { length } = this.#text;
    switch (where) {
      case "start":
        return position === 0;
      case "end":
        return position === length;
      case "lineStart":
        return position === 0 || this.#text[position - 1] === "\n";
      case "lineEnd":
        return position === length || this.#text[position] === "\n";
      case "lastLineEnd":
        return position === length || (position === length - 1 && this.#text[position] === "\n");
      case "boundary":
        return this.#isWordAt(position - 1) !== this.#isWordAt(position);
      case "noBoundary":
        return this.#isWordAt(position - 1) === this.#isWordAt(position);
    }
  }

  #isWordAt(position: number): boolean {
    return position >= 0 && position < this.#text.length && isWord(this.#text.charCodeAt(position));
  }
}

function replaced(marks: readonly number[], index: number, position: number): readonly number[] {
  const copy = marks.slice();
  copy[index] = position;
  return copy;
}
