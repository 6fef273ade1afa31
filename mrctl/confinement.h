// What a command of files does before it looks into them: they may be a stranger's.
#pragma once

namespace mrctl {

// From now on this process can write to standard output, standard error and `also` (a file that is open, or none: -1), and nothing else: open no file, make no socket, run no program. Who has taken it over
// by what is in a file can say something wrong there; nothing else of the machine is in reach. A kernel that keeps none of it is said in a note.
void confine_to_output(int also = -1);

}  // namespace mrctl
