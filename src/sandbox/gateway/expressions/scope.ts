import type { SyntaxNode } from "../../../policy/expression-syntax.ts";
import type { FunctionValue } from "./collections.ts";
import type { Library } from "./definitions.ts";
import type { Run } from "./run.ts";
import type { Type } from "./types.ts";
import type { Value } from "./values.ts";

/** The variables of one call of a function, within those of the function around it. */
export interface Frame {
  readonly slots: Value[];
  readonly parent: Frame | null;
  readonly run: Run;
}

/** An expression, compiled. Where `type` is unknown, running it throws: what it means could not be told. */
export interface Code {
  readonly type: Type;
  readonly run: (frame: Frame) => Value;
  /** What it always is, as C#'s constants. */
  readonly constant?: Value;
  /** It may be `absent`: a `?.` in its chain has found null. */
  readonly conditional?: true;
}

/** What a statement leaves behind: `return` has put its value into the run. */
export type Signal = 0 | 1 | 2 | 3;
export const signals = { next: 0, break: 1, continue: 2, return: 3 } as const;
export type Step = (frame: Frame) => Signal;

export interface Variable {
  readonly type: Type;
  readonly level: number;
  readonly slot: number;
}

/** A lambda with the types of its parameters told. */
export interface Lambda {
  /** `void` where its block returns nothing. */
  readonly returns: Type;
  readonly make: (frame: Frame, signature: Type) => FunctionValue;
}

/** What the parts of the compiler ask of one another. */
export interface Unit {
  readonly library: Library;
  /** Notes what cannot be executed, and answers code that throws when it is reached. */
  unsupported(node: SyntaxNode, what: string): Code;
  expression(node: SyntaxNode, scope: Scope, wanted?: Type): Code;
  /** As `expression`, of what a member is asked of: it may be `conditional`. */
  link(node: SyntaxNode, scope: Scope): Code;
  statement(node: SyntaxNode, scope: Scope): Step;
  lambda(node: SyntaxNode, parameters: readonly Type[], scope: Scope): Lambda;
  /** The type that a node names; null, and noted, where it is not known. */
  type(node: SyntaxNode): Type | null;
  /** As `type`, without a note. */
  typeOrNull(node: SyntaxNode): Type | null;
  readonly lambdas: Map<SyntaxNode, Map<string, Lambda>>;
}

/** What the names in a block mean. A level is a frame: every function has one, and every loop whose body makes functions. */
export class Scope {
  readonly unit: Unit;
  readonly level: number;
  /** How many slots a frame of this level has. */
  readonly size: { slots: number };
  /** Types of what the function returns. */
  readonly returns: Type[];
  readonly #parent: Scope | null;
  readonly #names = new Map<string, Variable>();

  constructor(unit: Unit, parent: Scope | null, level: number, size: { slots: number }, returns: Type[]) {
    this.unit = unit;
    this.level = level;
    this.size = size;
    this.returns = returns;
    this.#parent = parent;
  }

  static root(unit: Unit): Scope {
    return new Scope(unit, null, 0, { slots: 0 }, []);
  }

  block(): Scope {
    return new Scope(this.unit, this, this.level, this.size, this.returns);
  }

  /** The body of a loop, with variables of its own in every turn. */
  turn(): Scope {
    return new Scope(this.unit, this, this.level + 1, { slots: 0 }, this.returns);
  }

  function(): Scope {
    return new Scope(this.unit, this, this.level + 1, { slots: 0 }, []);
  }

  declare(name: string, type: Type): Variable {
    const variable = { type, level: this.level, slot: this.size.slots++ };
    this.#names.set(name, variable);
    return variable;
  }

  find(name: string): Variable | null {
    return this.#names.get(name) ?? this.#parent?.find(name) ?? null;
  }
}

export function newFrame(size: { readonly slots: number }, parent: Frame | null, run: Run): Frame {
  return { slots: new Array<Value>(size.slots).fill(null), parent, run };
}

function frameAt(frame: Frame, depth: number): Frame {
  let found = frame;
  for (let up = depth; up > 0 && found.parent !== null; up--) found = found.parent;
  return found;
}

export function readVariable({ type, level, slot }: Variable, scope: Scope): Code {
  const depth = scope.level - level;
  if (depth === 0) return { type, run: (frame) => frame.slots[slot] ?? null };
  return { type, run: (frame) => frameAt(frame, depth).slots[slot] ?? null };
}

export function writeVariable({ level, slot }: Variable, scope: Scope): (frame: Frame, value: Value) => void {
  const depth = scope.level - level;
  return (frame, value) => {
    frameAt(frame, depth).slots[slot] = value;
  };
}
