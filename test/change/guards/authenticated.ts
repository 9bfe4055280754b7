export const global = "policies/policy";
export const product = "products/aoai/policies/policy";
export const chat = "apis/chat/policies/policy";
export const operation = "apis/chat/operations/Ask/policies/policy";
export const auth = "policyFragments/auth";
export const include = `<include-fragment fragment-id="auth" />`;
export const signIn = `<authentication-managed-identity resource="https://cognitiveservices.azure.com" />`;

/** The guard that is about authentication. */
export const guard = "auth_removed";
