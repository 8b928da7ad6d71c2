import type { Architecture } from '../architecture.ts';
import { COMPACT } from './compact.ts';
import { CUGAN } from './cugan.ts';
import { DAT } from './dat.ts';
import { IMDN } from './imdn.ts';
import { OMNISR } from './omnisr.ts';
import { PLKSR } from './plksr.ts';
import { RLFN } from './rlfn.ts';
import { RRDBNET } from './rrdbnet.ts';
import { RT4KSR } from './rt4ksr.ts';
import { SAFMN } from './safmn.ts';
import { SPAN } from './span.ts';
import { SWINIR } from './swinir.ts';

/** All that are recognised; each looks at names that no other has. */
export const ARCHITECTURES: readonly Architecture[] = [
  COMPACT,
  RRDBNET,
  SPAN,
  PLKSR,
  RLFN,
  IMDN,
  RT4KSR,
  SWINIR,
  SAFMN,
  OMNISR,
  DAT,
  CUGAN,
];
