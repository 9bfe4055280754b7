import type { ExpressionContext } from "../context.ts";
import type { Library } from "./definitions.ts";
import { type ExpressionError, SandboxError } from "./errors.ts";
import type { Value } from "./values.ts";

/** What one evaluation may cost. */
export const limits = {
  /** Statements, calls and elements of collections that are gone through. */
  steps: 1_000_000,
  /** Characters of one string. */
  text: 16 * 1024 * 1024,
  /** Characters of all strings that are made. */
  characters: 128 * 1024 * 1024,
  /** How deep lambdas and local functions may call one another. */
  calls: 200,
} as const;

/** One evaluation: what it sees, and what it has used up. */
export class Run {
  readonly context: ExpressionContext;
  readonly library: Library;
  /** What a `return` has left. */
  returned: Value = null;
  /** What the `catch` that runs has caught: for `throw;`. */
  caught: ExpressionError | null = null;
  #steps: number = limits.steps;
  #characters: number = limits.characters;
  #depth = 0;

  constructor(context: ExpressionContext, library: Library) {
    this.context = context;
    this.library = library;
  }

  /** The call's clock. */
  now(): Date {
    return new Date(this.context.timestamp.getTime() + this.context.elapsedMs());
  }

  step(count = 1): void {
    this.#steps -= count;
    if (this.#steps < 0) throw new SandboxError(`The expression takes more than ${limits.steps} steps, the sandbox's limit.`);
  }

  /** Going through a long text, or comparing it, takes time: a step for every 1,024 characters. */
  weigh(value: Value): void {
    if (typeof value === "string" && value.length > 1024) this.step(value.length >> 10);
  }

  /** To be asked before a string of this length is made. */
  allow(length: number): void {
    this.#characters -= length;
    if (length > limits.text || this.#characters < 0) throw new SandboxError("The expression makes longer texts than the sandbox allows.");
  }

  text(text: string): string {
    this.allow(text.length);
    return text;
  }

  call<T>(body: () => T): T {
    this.step();
    if (++this.#depth > limits.calls)
      throw new SandboxError(`The expression's calls nest deeper than ${limits.calls}, the sandbox's limit.`);
    try {
      return body();
    } finally {
      this.#depth--;
    }
  }
}
