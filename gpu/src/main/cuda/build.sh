#!/usr/bin/env bash
# Compiles every kernel file to a fatbin (machine code for sm_80 and sm_90a) and to PTX, into the
# resources that ship in the jar, and records what they were built from. Needs nvcc on the path.
#   build.sh [--all] [--out FOLDER]
# Files whose sources and flags are unchanged are left alone; --all compiles them again. --out writes
# elsewhere, for a comparison with the committed files.
set -euo pipefail

out=""
all=no
while [ $# -gt 0 ]; do
  case $1 in
    --all) all=yes ;;
    --out)
      mkdir -p "${2:?--out needs a folder}"
      out=$(cd "$2" && pwd)
      shift
      ;;
    *)
      echo "build.sh: unknown option $1; usage: build.sh [--all] [--out FOLDER]" >&2
      exit 2
      ;;
  esac
  shift
done
cd "$(dirname "${BASH_SOURCE[0]}")"

nvcc=${NVCC:-nvcc}
out=${out:-../resources/io/tracemill/gpu/kernels}
manifest=$out/manifest.properties
flags=(-std=c++17 -O3 --diag-suppress 20054)
architectures=(-gencode arch=compute_80,code=sm_80 -gencode arch=compute_90a,code=sm_90a)
# nvcc writes its own newest PTX version; the kernels need no more than this one, so that older
# drivers compile them too. TestPtxVersion compiles the result offline.
ptx_version=8.0

command -v "$nvcc" >/dev/null || { echo "build.sh: nvcc was not found; install the CUDA toolkit or set NVCC" >&2; exit 1; }
mkdir -p "$out"
hash_of() { sha256sum "$1" | cut -d' ' -f1; }
recorded() { sed -n "s/^source\.$1=//p" "$manifest" 2>/dev/null || true; }

# The same bytes whatever the folder's name: paths would otherwise end up in the output.
machine_code() { "$nvcc" "${flags[@]}" "${architectures[@]}" -fatbin -o "$out/$1.fatbin" "$1.cu"; }
ptx() {
  "$nvcc" "${flags[@]}" -arch=compute_80 -ptx -o "$out/$1.ptx" "$1.cu"
  sed -i -e "s/^\.version .*/.version $ptx_version/" -e '/^\/\//d' "$out/$1.ptx"
}

recipe=$(printf '%s\n' "${flags[@]}" "${architectures[@]}" "$ptx_version" | sha256sum | cut -d' ' -f1)
same_recipe=no
[ "$(sed -n 's/^recipe=//p' "$manifest" 2>/dev/null)" = "$recipe" ] && [ $all = no ] && same_recipe=yes

stale=()
for source in *.cu; do
  name=${source%.cu}
  fresh=$same_recipe
  [ -s "$out/$name.fatbin" ] && [ -s "$out/$name.ptx" ] || fresh=no
  if [ "$fresh" = yes ]; then
    for file in $("$nvcc" "${flags[@]}" -arch=sm_80 -MM "$source" | tr -d '\\' | tr ' ' '\n' | grep -E '^[^/:]+\.cuh?$'); do
      [ "$(recorded "$file")" = "$(hash_of "$file")" ] || fresh=no
    done
  fi
  [ "$fresh" = yes ] || stale+=("$name")
done

# As many compilers as processors; the longest files first.
running=0
failed=no
for name in $(for name in "${stale[@]}"; do [ "$name" != skinny_gemm ] || echo "$name"; done) \
  $(for name in "${stale[@]}"; do [ "$name" = skinny_gemm ] || echo "$name"; done); do
  echo "compiling $name.cu"
  for form in machine_code ptx; do
    if [ $running -ge "$(nproc)" ]; then
      wait -n || failed=yes
      running=$((running - 1))
    fi
    $form "$name" &
    running=$((running + 1))
  done
done
while [ $running -gt 0 ]; do
  wait -n || failed=yes
  running=$((running - 1))
done
[ $failed = no ] || { echo "build.sh: a kernel file did not compile; see above" >&2; exit 1; }

for built in "$out"/*.fatbin "$out"/*.ptx; do
  name=$(basename "${built%.*}")
  [ -e "$name.cu" ] || rm -f "$built"
done
{
  echo "# What the kernels were built from; written by build.sh."
  echo "compiler=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\).*/nvcc \1/p')"
  echo "recipe=$recipe"
  echo "ptxVersion=$ptx_version"
  echo "modules=$(ls *.cu | sed 's/\.cu$//' | LC_ALL=C sort | paste -sd, -)"
  for file in $(ls *.cu *.cuh 2>/dev/null | LC_ALL=C sort); do
    echo "source.$file=$(hash_of "$file")"
  done
} > "$manifest.new"
mv "$manifest.new" "$manifest"
