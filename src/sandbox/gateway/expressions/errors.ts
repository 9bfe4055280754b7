/** An exception that a C# expression has thrown and nothing in it caught, or a limit of the sandbox; the message is what .NET would say. */
export class ExpressionError extends Error {
  override readonly name: string = "ExpressionError";
  /** The .NET type, without its namespace, e.g. `NullReferenceException`. */
  readonly exception: string;

  constructor(exception: string, message: string) {
    super(message);
    this.exception = exception;
  }
}

/** What the sandbox cannot execute or does not allow: no `catch` of an expression sees it, so that it never becomes a wrong value. */
export class SandboxError extends ExpressionError {
  override readonly name = "SandboxError";

  constructor(message: string) {
    super("SandboxException", message);
  }
}

export function unsupported(what: string): SandboxError {
  return new SandboxError(`${what} is not supported in the sandbox.`);
}

export function argumentNull(parameter: string): ExpressionError {
  return new ExpressionError("ArgumentNullException", `Value cannot be null. (Parameter '${parameter}')`);
}

export function formatError(message = "The input string was not in a correct format."): ExpressionError {
  return new ExpressionError("FormatException", message);
}

const bases: Readonly<Record<string, string>> = {
  ArgumentException: "SystemException",
  ArgumentNullException: "ArgumentException",
  ArgumentOutOfRangeException: "ArgumentException",
  ArithmeticException: "SystemException",
  DivideByZeroException: "ArithmeticException",
  FormatException: "SystemException",
  IndexOutOfRangeException: "SystemException",
  InvalidCastException: "SystemException",
  InvalidOperationException: "SystemException",
  JsonException: "Exception",
  JsonReaderException: "JsonException",
  KeyNotFoundException: "SystemException",
  NotImplementedException: "SystemException",
  NotSupportedException: "SystemException",
  NullReferenceException: "SystemException",
  OverflowException: "ArithmeticException",
  RegexMatchTimeoutException: "TimeoutException",
  SystemException: "Exception",
  TimeoutException: "SystemException",
  UriFormatException: "FormatException",
};

/** Every exception type, each with its base. */
export const exceptionBases: ReadonlyMap<string, string | null> = new Map<string, string | null>([
  ["Exception", null],
  ...Object.entries(bases),
]);

export function isException(exception: string, wanted: string): boolean {
  for (let name: string | null = exception; name !== null; name = exceptionBases.get(name) ?? null) if (name === wanted) return true;
  return wanted === "Exception";
}
