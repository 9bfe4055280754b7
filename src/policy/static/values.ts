import type { DocumentId, Json } from "../../gateway/documents.ts";
import type { Element } from "../document.ts";

/**
 * What is known of an expression's value before any call is made: of one caller, on one way through the gateway. Nothing is guessed: what
 * depends on a call's own content is `unknown`, and says on what it depends.
 */
export type Known = Constant | JsonValue | List | Present | Several | Unknown | Throws;

/** A text, number, boolean or null of C#. */
export interface Constant {
  readonly kind: "constant";
  readonly value: string | number | boolean | null;
  /** What C# has it as; `token` is a `JValue`. Left out where the value says it: string, int, bool or null. */
  readonly type?: "char" | "long" | "double" | "decimal" | "token";
  /** Where the characters of the value stand as plain data; null where an expression has made or chosen it. */
  readonly origin: Origin | null;
}

/** A `JToken` that is an object or an array. */
export interface JsonValue {
  readonly kind: "json";
  readonly value: Json;
  readonly origin: Origin | null;
}

export interface List {
  readonly kind: "list";
  readonly items: readonly Known[];
}

/** An object of which only that it is not null matters, e.g. `context.Product`. */
export interface Present {
  readonly kind: "present";
  readonly what: string;
}

/** One of these, by what the call brings along. At least two. */
export interface Several {
  readonly kind: "several";
  readonly values: readonly (Constant | JsonValue)[];
  readonly inputs: readonly Input[];
}

export interface Unknown {
  readonly kind: "unknown";
  /** What is known of its text: constants and what stands between them, in order; one input alone where nothing is. */
  readonly parts: readonly (string | Input)[];
  /** All that it depends on. */
  readonly inputs: readonly Input[];
  /** Where to look, one short phrase: `the named value 'tiers' is secret`, `the header 'x-tier' of each call`. */
  readonly why: string;
}

/** The expression throws for this call: the call gets no further. */
export interface Throws {
  readonly kind: "throws";
  readonly why: string;
}

/** Something that a call brings along, or that the gateway knows only once there is a call. */
export interface Input {
  /** `api`, `product`, `operation`: which one, or what is not known of it; `expression`: not understood; `named-value`: secret or missing; `subscription-key`: tells subscriptions apart, and nothing else does; a call need not bring it in the header or query parameter of that name. */
  readonly what:
    | "deployment"
    | "header"
    | "query"
    | "path"
    | "body"
    | "claim"
    | "address"
    | "user"
    | "certificate"
    | "method"
    | "api"
    | "product"
    | "operation"
    | "subscription-key"
    | "gateway"
    | "time"
    | "cache"
    | "response"
    | "variable"
    | "named-value"
    | "expression";
  /** Of the header, query parameter, variable ...; the expression's text where it is not understood. */
  readonly name: string;
}

/** Where the characters of a value stand, so that they alone can be replaced. `start` and `end` count in the text that is named. */
export type Origin =
  /** The raw source of an attribute's value in a policy or fragment. */
  | {
      readonly text: "attribute";
      readonly document: DocumentId;
      readonly element: Element;
      readonly attribute: string;
      readonly start: number;
      readonly end: number;
    }
  /** The value of a named value. */
  | { readonly text: "named-value"; readonly document: DocumentId; readonly start: number; readonly end: number }
  /** A literal inside an expression: shown, never rewritten. */
  | { readonly text: "expression"; readonly document: DocumentId; readonly element: Element; readonly attribute: string };

/** What is known of a call before it is made. */
export interface StaticCall {
  /** Null where the call comes without one; undefined where that is not known: any subscription, or none. */
  readonly subscription: { readonly id: string; readonly name: string } | null | undefined;
  /** The subscription's owner. Null where it has none; left out where that is not known. */
  readonly user?: { readonly id: string } | null | undefined;
  /** Null where the call has no product; undefined where that is not known. */
  readonly product: { readonly id: string; readonly name: string } | null | undefined;
  /** Null where it is not known. */
  readonly api: {
    readonly id: string;
    readonly name: string;
    readonly path: string;
    /** The header and the query parameter that may bring the subscription's key, where they are known. */
    readonly keyNames?: { readonly header: string; readonly query: string };
  } | null;
  /** Null where it is not known: any operation of the API. */
  readonly operation: { readonly id: string; readonly name?: string } | null;
  readonly workspaceId?: string | undefined;
  /** The model deployment that it asks for: what every `deployment` input then is. Left out where it is not known. */
  readonly deployment?: string | undefined;
}

/** Values of `context.Variables` at one point of a call's way; a name that is not in it was not set. */
export type Variables = ReadonlyMap<string, Known>;

/** What must hold for a policy to run, where that is not known beforehand. */
export interface Condition {
  /** As it is written, named values put in; `not (...)` where it must not hold. */
  readonly text: string;
  readonly negated: boolean;
  readonly inputs: readonly Input[];
  /** The deployment that it asks for, where that is all it says. */
  readonly deployment?: string;
}
