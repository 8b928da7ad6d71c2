/**
 * What MLT's `avformat` consumer writes for `upreel watch`: ProRes 422 HQ and PCM in MOV. Size, rate, fields, pixel aspect and sound channels are left
 * to the project, so that an interlaced project comes out interlaced and Upreel makes the frames of it.
 */
const MEZZANINE = {
  f: 'mov',
  vcodec: 'prores_ks',
  vprofile: '3',
  vendor: 'apl0',
  pix_fmt: 'yuv422p10le',
  // The finest quantiser, as MLT's own ProRes presets have it: what is lost before an upscaler is lost larger.
  qscale: '1',
  vb: '0',
  g: '1',
  bf: '0',
  movflags: '+write_colr',
  acodec: 'pcm_s24le',
} as const;

export const RENDER_PRESET_NAME = 'Upreel ProRes 422 HQ';

/** A file of Kdenlive's `export` folder: it lists every `*.xml` there beside the presets of its own. */
export function renderKdenlivePreset(): string {
  const args = listProperties().join(' ');
  return `<!-- Made by "upreel hook install kdenlive"; "upreel hook uninstall kdenlive" removes it. -->
<profiles version="1">
 <profile name="${RENDER_PRESET_NAME}" category="Upreel" extension="mov" args="${args}"/>
</profiles>
`;
}

/** A file of Shotcut's `presets/encode` folder; its name is what Shotcut lists under Custom. */
export function renderShotcutPreset(): string {
  return `${[...listProperties(), 'meta.preset.extension=mov'].join('\n')}\n`;
}

function listProperties(): readonly string[] {
  return Object.entries(MEZZANINE).map(([name, value]) => `${name}=${value}`);
}
