/**
 * What a shadow limit writes as the source of its trace, and what metrics count it as. `quota/` writes it into policies, `usage/` looks for it in
 * logs.
 */
export const shadowCause = "shadow:token-rate-limit";
