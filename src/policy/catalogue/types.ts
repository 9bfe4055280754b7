/**
 * The form in which the catalogue says what a policy element is. Facts come from the policy reference
 * (https://learn.microsoft.com/azure/api-management/api-management-policies) and from the schemas that Microsoft ships with its VS Code
 * extension (https://github.com/microsoft/vscode-apimanagement, `resources/policySchemas`). Where the two disagree, or real policies show
 * a page to be too strict, the table says so with `disputed` or takes the wider rule.
 */

export const everySection = ["inbound", "backend", "outbound", "on-error"] as const;
export type Section = (typeof everySection)[number];

/** Where a policy document may stand; a fragment takes the scope of the document that includes it. */
export const everyScope = ["global", "workspace", "product", "api", "operation"] as const;
export type ScopeName = (typeof everyScope)[number];

export const everyGateway = ["classic", "v2", "consumption", "self-hosted", "workspace"] as const;
export type Gateway = (typeof everyGateway)[number];

/** An XML Schema type by its name there, `uri` for an absolute URI, `name` for the name of a resource, or the list of the values. */
export type ValueType =
  | "string"
  | "boolean"
  | "int"
  | "long"
  | "integer"
  | "unsignedInt"
  | "positiveInteger"
  | "nonNegativeInteger"
  | "float"
  | "double"
  | "dateTime"
  | "uri"
  | "name"
  | readonly string[];

/** Resources of the service that a policy names. */
export type ReferenceKind = "backend" | "fragment" | "logger" | "certificate";

export interface AttributeDefinition {
  readonly type: ValueType;
  /** `disputed`: one of Microsoft's sources calls it required, another optional. */
  readonly required?: true | "disputed";
  /** Whether a policy expression may stand for the value; `unknown` where the page is silent or contradicted. */
  readonly expression: "yes" | "no" | "unknown";
  readonly default?: string;
  readonly range?: Range;
  readonly refersTo?: ReferenceKind;
  /** The scopes at which the service is known to take the attribute, where not at all of the policy's. */
  readonly scopes?: readonly ScopeName[];
  /** Known from the schema alone. */
  readonly undocumented?: true;
}

export interface Range {
  readonly min?: number;
  readonly max?: number;
  /** A value outside that has a meaning of its own. */
  readonly except?: number;
  /** Documented, but not known to be enforced. */
  readonly disputed?: true;
}

/** What must hold between the attributes of one element; `disputed` where it is documented, but not known to be enforced. */
export type Constraint =
  | { readonly atLeastOneOf: readonly string[]; readonly disputed?: true }
  | { readonly atMostOneOf: readonly string[]; readonly disputed?: true }
  | { readonly attribute: string; readonly needs: string; readonly disputed?: true };

/** What stands between an element's tags. `policies`: policies of the section that the element stands in. */
export type Content = "empty" | "text" | "name" | "uri" | "any" | "policies" | Children;

export interface Children {
  /** `sequence`: in the order of `elements`. */
  readonly order: "sequence" | "any";
  /** At least one child, of whatever name. */
  readonly required?: true;
  /** Whether text may stand beside the children. */
  readonly text?: true;
  readonly elements: Readonly<Record<string, ChildDefinition>>;
}

export interface ElementDefinition {
  readonly attributes?: Readonly<Record<string, AttributeDefinition>>;
  readonly constraints?: readonly Constraint[];
  /** `empty` where it is left out. */
  readonly content?: Content;
}

export interface ChildDefinition extends ElementDefinition {
  readonly required?: true;
  /** How often it may stand there; once where it is left out. */
  readonly max?: number;
  /** The policy of that name, which is defined by its own entry. */
  readonly policy?: true;
}

export interface PolicyDefinition extends ElementDefinition {
  /** Other names of the same policy. */
  readonly aliases?: readonly string[];
  /** Empty for what stands inside of other policies only. */
  readonly sections: readonly Section[];
  readonly scopes: readonly ScopeName[];
  readonly gateways: readonly Gateway[];
  /** Where it may be used only once. */
  readonly once?: "section" | "definition";
  /** Its page says "once per section", but many real policies repeat it. */
  readonly onceDisputed?: true;
  /** `no`: cannot be used in a policy fragment; `disputed`: its page says so, but real fragments use it. */
  readonly inFragment?: "no" | "disputed";
  /** A document of its own that resolves a field of a GraphQL schema. */
  readonly resolver?: true;
  /** Known from another source of Microsoft's; it has no page in the reference. */
  readonly undocumented?: true;
}

export type PolicyTable = Readonly<Record<string, PolicyDefinition>>;

/** Any number of times. */
export const many: number = Number.POSITIVE_INFINITY;

/** A list of one or more children of one name that hold text. */
export function listOf(name: string, content: "text" | "name" | "uri" = "text"): Children {
  return { order: "sequence", elements: { [name]: { required: true, max: many, content } } };
}
