-- Lmod module file. Put it into your module path as fortet/<version>.lua and set the prefix of `cmake --install`.
local prefix = os.getenv("FORTET_PREFIX") or "/opt/fortet"

help([[fortet: a laboratory for generative transport. Try: fortet describe, fortet selftest]])
whatis("Name: fortet")
whatis("Description: PDE densities and particle ensembles of one process, with a calibrated verdict")

prepend_path("PATH", pathJoin(prefix, "bin"))
prepend_path("LD_LIBRARY_PATH", pathJoin(prefix, "lib"))
prepend_path("CMAKE_PREFIX_PATH", prefix)
