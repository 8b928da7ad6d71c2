import path from 'node:path';

/** Where the outputs of a batch go: everything but their endings, which their encoders decide. */
export interface OutputNames {
  /** Folder of all sources. */
  readonly root: string;
  /** Folder of all outputs, in which the folders of `root` are repeated; null when they go beside the sources. */
  readonly folder: string | null;
}

/**
 * A name for the output of each source, without its ending, such that no two are the same, whatever their endings, also on file systems to
 * which `A` and `a` are one. `tape.avi` becomes `tape`; where `tape.mov` lies beside it, both keep their endings: `tape.avi`, `tape.mov`.
 */
export function nameOutputs(sources: readonly string[], { root, folder }: OutputNames): Map<string, string> {
  const stems = sources.map((source) => {
    const { dir, name } = path.parse(source);
    return path.join(folder === null ? dir : path.join(folder, path.relative(root, dir)), name);
  });
  const counts = new Map<string, number>();
  for (const stem of stems) counts.set(fold(stem), (counts.get(fold(stem)) ?? 0) + 1);
  const taken = new Set([...counts].filter(([, count]) => count === 1).map(([stem]) => stem));
  const names = new Map<string, string>();
  sources.forEach((source, i) => {
    const stem = stems[i] ?? source;
    let name = stem;
    if (counts.get(fold(stem)) !== 1) {
      const whole = stem + path.extname(source);
      name = whole;
      for (let number = 2; taken.has(fold(name)); number++) name = `${whole}-${String(number)}`;
      taken.add(fold(name));
    }
    names.set(source, folder === null ? `${name}.upreel` : name);
  });
  return names;
}

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
