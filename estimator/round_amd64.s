#include "textflag.h"

DATA thousand<>+0(SB)/8, $1000.0
GLOBL thousand<>(SB), RODATA|NOPTR, $8

// func round3Fours(dst, src []float64)
TEXT ·round3Fours(SB), NOSPLIT, $0-48
	MOVQ         dst_base+0(FP), DI
	MOVQ         src_base+24(FP), SI
	MOVQ         src_len+32(FP), CX
	SHRQ         $2, CX
	JZ           done
	VBROADCASTSD thousand<>(SB), Y0

four:
	VMULPD   (SI), Y0, Y1
	VROUNDPD $8, Y1, Y1   // halves to even
	VDIVPD   Y0, Y1, Y1
	VMOVUPD  Y1, (DI)
	ADDQ     $32, SI
	ADDQ     $32, DI
	DECQ     CX
	JNZ      four
	VZEROUPPER

done:
	RET
