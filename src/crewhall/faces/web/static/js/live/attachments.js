// The files of a message as it is shown. The same as faces/plumbing/attachments.py; a browser test compares the two.

const KB = 1024;
const MB = 1024 * KB;
const GB = 1024 * MB;
const WIDEST = 360;
const HIGHEST = 270;

/** A number of bytes as people say it. */
export function sizeInWords(size) {
  if (size < KB) return `${size} B`;
  if (size < MB) return `${Math.ceil(size / KB)} KB`;
  const [unit, name] = size < GB ? [MB, "MB"] : [GB, "GB"];
  const tenths = Math.floor((size * 20 + unit) / (2 * unit));
  return `${Math.floor(tenths / 10)}.${tenths % 10} ${name}`;
}

/** The picture of a file that has one, for its row. */
export function smallPicture(file) {
  const picture = document.createElement("img");
  picture.src = `/api/v1/files/${file.id}/thumbnail`;
  picture.alt = "";
  return picture;
}

function labelOf(name) {
  const ending = name.includes(".") ? name.slice(name.lastIndexOf(".") + 1).toUpperCase() : "";
  return /^[A-Z0-9]{1,5}$/.test(ending) ? ending : "File";
}

function attachmentView(file) {
  const { width = null, height = null } = file;
  const fit = width && height ? Math.min(1, WIDEST / width, HIGHEST / height) : 0;
  const size = `${labelOf(file.name)} · ${sizeInWords(file.size)}`;
  return {
    ...file,
    width,
    height,
    shown_width: fit ? Math.max(1, Math.trunc(width * fit)) : null,
    shown_height: fit ? Math.max(1, Math.trunc(height * fit)) : null,
    thumbnail: fit ? `/api/v1/files/${file.id}/thumbnail` : null,
    href: `/api/v1/files/${file.id}/content`,
    card: fit ? null : size,
    label: `${file.name}, ${size}`,
  };
}

/** What the template `message` names of each file. */
export function attachmentViews(metadata) {
  return (metadata?.files ?? []).map(attachmentView);
}

/** The files that an element shows, as a message's metadata names them. */
export function readAttachments(element) {
  const files = [...element.querySelectorAll(":scope > .body > .files > .file")].map(({ dataset }) => ({
    id: dataset.file,
    name: dataset.name,
    media_type: dataset.type,
    size: Number(dataset.size),
    ...(dataset.width ? { width: Number(dataset.width), height: Number(dataset.height) } : {}),
  }));
  return files.length ? { files } : {};
}
