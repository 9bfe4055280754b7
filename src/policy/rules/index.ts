import { conflictingAttributes, missingAttribute, missingCompanion, missingOneOf, unknownAttribute } from "./attributes.ts";
import { missingChild, missingText, unexpectedChild, unexpectedText } from "./children.ts";
import { expressionInComment } from "./comments.ts";
import type { Finding } from "./finding.ts";
import { baseInFragment, notInFragment, sectionInFragment } from "./fragments.ts";
import {
  missingBackend,
  missingCertificate,
  missingFragment,
  missingLogger,
  missingNamedValue,
  unknownTemplateParameter,
} from "./names.ts";
import type { Context, Place } from "./place.ts";
import {
  misplacedBase,
  repeatedBase,
  undocumentedPolicy,
  unknownPolicy,
  unsupportedGateway,
  waitInRetry,
  wrongRoot,
  wrongSection,
} from "./placement.ts";
import { dimensionWithoutValue, duplicateDimension, incompleteRequest, tooManyDimensions } from "./policy-specific.ts";
import { repeatedPolicy } from "./repetition.ts";
import { attributeOutOfScope, wrongScope } from "./scopes.ts";
import { documentSize } from "./size.ts";
import { expressionNotAllowed, invalidValue, outOfRange, templatePlaceholder } from "./values.ts";

/** Looks at one element. */
type ElementRule = (place: Place, context: Context) => readonly Finding[];

/** Looks at the document as a whole. */
type DocumentRule = (context: Context) => readonly Finding[];

/** The rules by the code of what they find. */
export const elementRules = {
  "attribute-out-of-scope": attributeOutOfScope,
  "base-in-fragment": baseInFragment,
  "conflicting-attributes": conflictingAttributes,
  "dimension-without-value": dimensionWithoutValue,
  "duplicate-dimension": duplicateDimension,
  "expression-not-allowed": expressionNotAllowed,
  "incomplete-request": incompleteRequest,
  "invalid-value": invalidValue,
  "missing-attribute": missingAttribute,
  "missing-backend": missingBackend,
  "missing-certificate": missingCertificate,
  "missing-child": missingChild,
  "missing-companion": missingCompanion,
  "missing-fragment": missingFragment,
  "missing-logger": missingLogger,
  "missing-named-value": missingNamedValue,
  "missing-one-of": missingOneOf,
  "missing-text": missingText,
  "misplaced-base": misplacedBase,
  "not-in-fragment": notInFragment,
  "out-of-range": outOfRange,
  "repeated-base": repeatedBase,
  "section-in-fragment": sectionInFragment,
  "template-placeholder": templatePlaceholder,
  "too-many-dimensions": tooManyDimensions,
  "undocumented-policy": undocumentedPolicy,
  "unexpected-child": unexpectedChild,
  "unexpected-text": unexpectedText,
  "unknown-attribute": unknownAttribute,
  "unknown-policy": unknownPolicy,
  "unknown-template-parameter": unknownTemplateParameter,
  "unsupported-gateway": unsupportedGateway,
  "wait-in-retry": waitInRetry,
  "wrong-section": wrongSection,
} as const satisfies Readonly<Record<string, ElementRule>>;

export const documentRules = {
  "document-size": documentSize,
  "expression-in-comment": expressionInComment,
  "repeated-policy": repeatedPolicy,
  "wrong-root": wrongRoot,
  "wrong-scope": wrongScope,
} as const satisfies Readonly<Record<string, DocumentRule>>;

export type RuleCode = keyof typeof elementRules | keyof typeof documentRules;
