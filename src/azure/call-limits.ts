/** Runs tasks with at most `size` of them at a time, in the order in which they came. */
export function slots(size: number): <T>(task: () => Promise<T>) => Promise<T> {
  let free = size;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** The same question is asked once; its answer, or its failure, is given to all who ask. */
export function remembered<K, T>(ask: (key: K) => T): (key: K) => T {
  const answers = new Map<K, T>();
  return (key) => {
    const answer = answers.get(key) ?? ask(key);
    answers.set(key, answer);
    return answer;
  };
}
